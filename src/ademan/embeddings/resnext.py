"""ResNeXt50-32x4d without its head, with the names of weights that torchvision gives it.

Aggregated residual transformations, Xie et al. 2017, arXiv 1611.05431: a ResNet50 whose 3x3 convolutions are 32 beside
each other, of 4 channels each in the first stage. The strides are on those convolutions, as torchvision has them.

It is here because torchvision would be in the way: the package from the index is linked to CUDA, and where it stands
beside a torch for processors, lightning and torchmetrics cannot be imported any more.
"""

from torch import Tensor, nn

_BLOCKS = (3, 4, 6, 3)
_GROUPS, _PER_GROUP, _WIDENED = 32, 4, 4
OUTPUTS = 2048

WEIGHTS = {
    "IMAGENET1K_V1": "https://download.pytorch.org/models/resnext50_32x4d-7cdf4587.pth",
    "IMAGENET1K_V2": "https://download.pytorch.org/models/resnext50_32x4d-1a0047aa.pth",
}
"""Trained on ImageNet, by torchvision's authors; the end of each name is the beginning of the file's SHA-256."""


class ResNext50(nn.Module):
    """Pictures (N, 3, H, W), normalised, to vectors (N, OUTPUTS): the mean over all places of the last stage."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False), nn.BatchNorm2d(64)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        inputs, stages = 64, []
        for stage, blocks in enumerate(_BLOCKS):
            planes = 64 * 2**stage
            layers = [_Bottleneck(inputs, planes, stride=1 if stage == 0 else 2)]
            inputs = planes * _WIDENED
            layers += [_Bottleneck(inputs, planes) for _ in range(blocks - 1)]
            stages.append(nn.Sequential(*layers))
        self.layer1, self.layer2, self.layer3, self.layer4 = stages

    def forward(self, pictures: Tensor) -> Tensor:
        """Return vectors (N, OUTPUTS) of pictures (N, 3, H, W)."""
        x = self.maxpool(self.bn1(self.conv1(pictures)).relu())
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = stage(x)
        mean: Tensor = x.mean(dim=(2, 3))
        return mean


class _Bottleneck(nn.Module):
    """To fewer channels, a grouped convolution, to more channels again; what came in is added."""

    def __init__(self, inputs: int, planes: int, stride: int = 1) -> None:
        super().__init__()
        width, outputs = planes * _PER_GROUP * _GROUPS // 64, planes * _WIDENED
        self.conv1, self.bn1 = nn.Conv2d(inputs, width, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride=stride, padding=1, groups=_GROUPS, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3, self.bn3 = nn.Conv2d(width, outputs, 1, bias=False), nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn1(self.conv1(x)).relu()
        y = self.bn2(self.conv2(y)).relu()
        y = self.bn3(self.conv3(y))
        beside = x if self.downsample is None else self.downsample(x)
        added: Tensor = (y + beside).relu()
        return added
