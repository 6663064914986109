"""Brokers that are away, die, freeze, refuse or are not what they seem: started, killed and stopped for real."""

import json
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from ademan.errors import RemoteError
from ademan.publishing import MqttConfig, publisher
from ademan.publishing.mqtt import MqttPublisher
from tests.publishing.conftest import Broker, Listener, States, began, ended, free_port, missing

PASSWORD = "s3cret"  # noqa: S105 - of brokers that a test starts and stops
STATUS, EVENT, GESTURE = "ademan/pi/status", "ademan/pi/event", "ademan/pi/gesture"


def config_of(broker: Broker) -> MqttConfig:
    return MqttConfig(broker.address, mqtt_name="pi")


def labels_of(listener: Listener) -> list[str]:
    return [json.loads(line)["label"] for line in listener.of(EVENT)]


def test_a_process_that_is_killed_is_said_to_be_offline(own_broker: Broker) -> None:
    code = (
        "import sys, time\n"
        "from ademan.publishing import MqttConfig, publisher\n"
        f"with publisher(MqttConfig('{own_broker.address}', mqtt_name='pi'), ['wave'], print): time.sleep(60)\n"
    )
    listener = Listener(own_broker.port)
    process = subprocess.Popen([sys.executable, "-c", code])
    listener.wait_for(STATUS, "online")
    process.send_signal(signal.SIGKILL)
    process.wait()
    listener.wait_for(STATUS, "online", "offline")
    listener.close()


def test_events_of_a_broker_that_comes_back_soon_are_kept(own_broker: Broker, states: States) -> None:
    with publisher(config_of(own_broker), ["wave", "fist"], states, wait_s=5.0) as publish:
        own_broker.kill()
        states.wait_for("is lost. It is tried again.")
        publish(began("wave"))
        publish(ended("wave"))
        publish(began("fist"))
        own_broker.start()
        listener = Listener(own_broker.port)
        states.wait_for("is back.")
        listener.wait_for(GESTURE, "fist")
        listener.wait_for(STATUS, "online")
        listener.wait(lambda: any("/event/config" in heard.topic for heard in listener.heard))
    assert len(states.told) == 2
    listener.close()


def test_events_that_are_too_old_or_too_many_are_dropped_and_counted(own_broker: Broker, states: States) -> None:
    mqtt = MqttPublisher(config_of(own_broker), ["old", "kept"], states, max_age_s=0.3, most=2)
    with mqtt:
        mqtt.start(5.0)
        own_broker.kill()
        states.wait_for("is lost")
        for label in ("many", "many", "old", "old"):
            mqtt.publish(began(label))
        time.sleep(0.4)
        own_broker.start()
        listener = Listener(own_broker.port)
        told = states.wait_for("is back")
        assert told == f"the broker {own_broker.address} is back. Dropped in the meantime: 4 events."
        listener.wait_for(GESTURE, "old")  # it goes on: nobody's lamp is switched on by that
        assert labels_of(listener) == []
        mqtt.publish(ended("old"))
        mqtt.publish(began("kept"))
        listener.wait(lambda: labels_of(listener) == ["old", "kept"])
    listener.close()


def test_events_that_no_broker_got_are_counted_at_the_end(states: States) -> None:
    port = free_port()
    with publisher(MqttConfig(f"127.0.0.1:{port}"), ["wave"], states) as publish:
        states.wait_for(f"the broker 127.0.0.1:{port} cannot be reached: Connection refused. It is tried again.")
        publish(began("wave"))
    assert states.told[1:] == [f"1 event did not reach the broker 127.0.0.1:{port}."]


@pytest.fixture
def guarded(tmp_path: Path) -> Broker:
    """A broker that knows the user ann with the password s3cret, and nobody else."""
    program = shutil.which("mosquitto_passwd")
    if program is None:
        missing("no user can be made: the program mosquitto_passwd is not installed")
    known = tmp_path / "known"
    subprocess.run([program, "-c", "-b", str(known), "ann", PASSWORD], check=True, capture_output=True)
    return Broker(tmp_path, f"listener {{port}} 127.0.0.1\nallow_anonymous false\npassword_file {known}\n")


def test_a_user_who_is_refused_is_told_so_once_and_clearly(guarded: Broker, states: States) -> None:
    guarded.start()
    with publisher(MqttConfig(f"mqtt://ann:wr0ng@{guarded.address}"), ["wave"], states):
        told = states.wait_for("refuses the user 'ann': Not authorized")
        assert "Check --mqtt-user and ADEMAN_MQTT_PASSWORD. It is tried again every 60 s." in told
        assert guarded.address in told
        time.sleep(1.5)
    with publisher(MqttConfig(guarded.address), ["wave"], states):
        states.wait_for("refuses clients without a user")
    assert len(states.told) == 2
    assert "wr0ng" not in str(states.told)
    guarded.kill()


def test_a_refusal_that_is_waited_for_is_an_error_at_once(guarded: Broker, states: States) -> None:
    guarded.start()
    begun_s = time.monotonic()
    on_the_way = publisher(MqttConfig(f"ann:wr0ng@{guarded.address}"), ["wave"], states, wait_s=30.0)
    with pytest.raises(RemoteError, match=r"refuses the user 'ann': Not authorized. Check --mqtt-user") as refused:
        on_the_way.__enter__()
    assert time.monotonic() - begun_s < 5
    assert "wr0ng" not in str(refused.value)
    guarded.kill()


def test_a_user_with_the_right_password_gets_in(
    guarded: Broker, states: States, monkeypatch: pytest.MonkeyPatch
) -> None:
    guarded.start()
    monkeypatch.setenv("ADEMAN_MQTT_PASSWORD", PASSWORD)
    listener = Listener(guarded.port, user="ann", password=PASSWORD)
    with publisher(MqttConfig(guarded.address, mqtt_user="ann", mqtt_name="pi"), ["wave"], states, wait_s=5.0):
        listener.wait_for(STATUS, "online")
    listener.close()
    guarded.kill()


# paho leaves the socket of a failed handshake to the garbage collector, which closes it at once.
@pytest.mark.filterwarnings("ignore:.*ssl.SSLSocket:pytest.PytestUnraisableExceptionWarning")
def test_tls_is_used_and_the_certificate_checked(
    tmp_path: Path, states: States, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    made = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=broker".split()
    made += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    if shutil.which("openssl") is None:
        missing("no certificate can be made: the program openssl is not installed")
    subprocess.run(made, check=True, capture_output=True)
    tls = "listener {port} 127.0.0.1\nallow_anonymous true\n" + f"certfile {certificate}\nkeyfile {key}\n"
    broker = Broker(tmp_path, tls).start()
    config = MqttConfig(f"mqtts://{broker.address}", mqtt_name="pi")
    with publisher(config, ["wave"], states):
        states.wait_for("cannot be reached: self-signed certificate. It is tried again.")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with publisher(config, ["wave"], states, wait_s=5.0) as publish:
        publish(began("wave"))
    with publisher(MqttConfig(broker.address), ["wave"], states):
        states.wait_for("cannot be used: no answer such as brokers give. It is tried again.")
    broker.kill()
    assert len(states.told) == 2


def test_a_broker_that_freezes_holds_up_nobody(own_broker: Broker, states: States) -> None:
    assert own_broker.process is not None
    with publisher(config_of(own_broker), ["wave"], states, wait_s=5.0) as publish:
        own_broker.process.send_signal(signal.SIGSTOP)
        begun_s = time.monotonic()
        for i in range(1000):
            publish(began("wave", i))
        assert time.monotonic() - begun_s < 1
        begun_s = time.monotonic()
    assert time.monotonic() - begun_s < 5
    assert "did not reach the broker" in states.told[-1]
    own_broker.process.send_signal(signal.SIGCONT)


def test_something_that_is_no_broker_is_told(states: States) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up() -> None:
            connection, _ = server.accept()
            connection.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        with publisher(MqttConfig(f"127.0.0.1:{server.getsockname()[1]}"), ["wave"], states):
            states.wait_for("cannot be used: no answer such as brokers give. It is tried again.")
        thread.join()


class Wire:
    """A wire to a broker that can break on this side only: the broker does not notice."""

    def __init__(self, port: int) -> None:
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.server.getsockname()[1]
        self.pairs: list[tuple[socket.socket, socket.socket]] = []
        self._to = port
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self.server.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self._to))
            self.pairs.append((near, far))
            for a, b in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(a, b), daemon=True).start()

    @staticmethod
    def _carry(source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(4096):
                target.sendall(data)
        except OSError:
            pass

    def break_near(self) -> None:
        self.pairs[-1][0].shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.server.close()
        for pair in self.pairs:
            for end in pair:
                end.close()


def test_a_device_whose_old_connection_the_broker_still_believes_in_is_online(
    own_broker: Broker, states: States
) -> None:
    wire = Wire(own_broker.port)
    listener = Listener(own_broker.port)
    with publisher(MqttConfig(f"127.0.0.1:{wire.port}", mqtt_name="pi"), ["wave"], states, wait_s=5.0):
        listener.wait_for(STATUS, "online")
        wire.break_near()
        states.wait_for("is back.")
        listener.wait_for(STATUS, "online", "offline", "online")
    listener.wait_for(STATUS, "online", "offline")
    wire.close()
    listener.close()


IN_A_NETWORK_OF_ITS_OWN = """
import fcntl, pathlib, socket, struct, sys, time
from tests.publishing.conftest import Broker, Listener, States, began
from ademan.publishing import MqttConfig
from ademan.publishing.mqtt import MqttPublisher

def set_network(flags):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sH14s", b"lo", flags, b""))  # SIOCSIFFLAGS

set_network(1)
broker, states = Broker(pathlib.Path(sys.argv[1])).start(), States()
listener = Listener(broker.port)
with MqttPublisher(MqttConfig(broker.address, mqtt_name="pi"), ["a"], states, max_age_s=1.0) as mqtt:
    mqtt.start(5.0)
    set_network(0)
    mqtt.publish(began("swallowed"))
    time.sleep(2.0)
    set_network(1)
    states.wait_for("is back. Dropped in the meantime: 1 event.")
    mqtt.publish(began("later"))
    listener.wait(lambda: len(listener.of("ademan/pi/event")) == 1)
    print(listener.of("ademan/pi/event"))
broker.kill()
"""


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="only Linux gives up what it could not deliver")
def test_what_a_network_swallowed_does_not_come_when_it_is_back(tmp_path: Path) -> None:
    if subprocess.run(["unshare", "--net", "true"], capture_output=True, check=False).returncode:
        pytest.skip("a network that can be broken cannot be made here (unshare --net)")
    command = ["unshare", "--net", sys.executable, "-c", IN_A_NETWORK_OF_ITS_OWN, str(tmp_path)]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "later" in done.stdout
    assert "swallowed" not in done.stdout
