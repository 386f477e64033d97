"""`espnet-soups demo`: what it refuses before it loads a model, and its warning."""

import socket

import pytest

from espnet_soups.bin.demo import main
from espnet_soups.demo.server import DemoServer
from espnet_soups.testing.toy_corpus import ToyExperiment


def test_a_port_and_a_model_are_checked(tmp_path):
    with pytest.raises(ValueError, match=r"`--port` must be from 0 to 65535, but got 70000\."):
        main(["--port", "70000"])
    with pytest.raises(FileNotFoundError, match=r"There is no model \S*none: name a folder"):
        main([str(tmp_path / "none")])


def test_a_taken_port_and_a_bad_host_are_named(audible: ToyExperiment):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=rf"127\.0\.0\.1 port {port}: .* another by `--port`\."):
            main([str(audible.exp_dir), "--port", str(port)])
    with pytest.raises(OSError, match=r"on 192\.0\.2\.1 port 0: .*; see `--host` and `--port`"):
        main([str(audible.exp_dir), "--port", "0", "--host", "192.0.2.1"])


def test_a_page_for_the_network_is_warned_of(
    audible: ToyExperiment, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(DemoServer, "serve_forever", lambda self: None)
    main([str(audible.exp_dir), "--port", "0"])
    assert "warning" not in capsys.readouterr().err
    main([str(audible.exp_dir), "--port", "0", "--host", "0.0.0.0"])
    assert "warning: everybody who reaches 0.0.0.0 can use this page" in capsys.readouterr().err
