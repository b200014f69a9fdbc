"""Runs one emulator until standard input closes: `keep.py moto|ministack PORT`."""

import os
import sys
import threading


def end_with_parent():
    sys.stdin.buffer.read()
    os._exit(0)


def main(name, port):
    threading.Thread(target=end_with_parent, daemon=True).start()
    if name == "moto":
        from moto.server import main as serve

        serve(["-H", "127.0.0.1", "-p", port])
    else:
        from ministack.app import main as serve

        sys.argv = ["ministack"]
        serve()


if __name__ == "__main__":
    main(*sys.argv[1:])
