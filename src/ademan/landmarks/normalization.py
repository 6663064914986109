"""What a network's file says of the pixels that it expects, added where it is missing; MediaPipe refuses it otherwise.

The description is TensorFlow Lite's model metadata: a table in a buffer of the model, found by its name.
"""

from typing import Any

from ademan.errors import require

_NAME = b"TFLITE_METADATA"
_FEATURE = "The landmarker 'mediapipe'"


def with_normalization(model: bytes, mean: float, deviation: float) -> bytes:
    """Return a model that says of its only picture: pixels, less the mean, over the deviation.

    Args:
        model: content of a .tflite file.
        mean: of the pixels, 0 to 255.
        deviation: of the pixels.
    """
    flatbuffers = require("flatbuffers", feature=_FEATURE, extra="mediapipe")
    model_schema = _schema("schema_py_generated")
    tree = model_schema.ModelT.InitFromObj(model_schema.Model.GetRootAsModel(model, 0))
    buffer = model_schema.BufferT()
    buffer.data = list(_description(len(tree.subgraphs[0].outputs), mean, deviation))
    entry = model_schema.MetadataT()
    entry.name, entry.buffer = _NAME, len(tree.buffers)
    tree.buffers.append(buffer)
    tree.metadata = [*(tree.metadata or []), entry]
    builder = flatbuffers.Builder(len(model))
    builder.Finish(tree.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _description(outputs: int, mean: float, deviation: float) -> bytes:
    flatbuffers = require("flatbuffers", feature=_FEATURE, extra="mediapipe")
    metadata_schema = _schema("metadata_schema_py_generated")
    options = metadata_schema.NormalizationOptionsT()
    options.mean, options.std = [mean], [deviation]
    unit = metadata_schema.ProcessUnitT()
    unit.optionsType, unit.options = metadata_schema.ProcessUnitOptions.NormalizationOptions, options
    picture = metadata_schema.TensorMetadataT()
    picture.name, picture.processUnits = b"image", [unit]
    picture.content = metadata_schema.ContentT()
    picture.content.contentPropertiesType = metadata_schema.ContentProperties.ImageProperties
    picture.content.contentProperties = metadata_schema.ImagePropertiesT()
    picture.content.contentProperties.colorSpace = metadata_schema.ColorSpaceType.RGB
    graph = metadata_schema.SubGraphMetadataT()
    graph.inputTensorMetadata = [picture]
    graph.outputTensorMetadata = [metadata_schema.TensorMetadataT() for _ in range(outputs)]
    root = metadata_schema.ModelMetadataT()
    root.subgraphMetadata = [graph]
    builder = flatbuffers.Builder(0)
    builder.Finish(root.Pack(builder), b"M001")
    return bytes(builder.Output())


def _schema(name: str) -> Any:
    return require(f"mediapipe.tasks.metadata.{name}", feature=_FEATURE, extra="mediapipe")
