"""Programs for the tests of `exec:` models: an honest one, and one that breaks the protocol in the way it is told."""

import sys

SERVED = """
import copy
import sys
import numpy as np
sys.path.insert(0, {folder!r})
from serve import UnsupportedError, serve


class Model:
    card = {{
        "name": "served", "description": "d", "licence": "MIT", "dimensions": [2, 3],
        "prompts": ["points", "box", "target", "previous"], "targets": ["liver"], "training_card": "untrained",
    }}
    weights_sha256 = "f00"

    def __init__(self, weights=None, device=None):
        self.card = dict(self.card, weights=str(weights), description=device)

    def open(self, image):
        print("printed by the model")
        opened = copy.copy(self)
        opened.image = image
        return opened

    def predict(self, prompts):
        if prompts.target == "memory": raise MemoryError("8 GB")
        if prompts.target == "late": raise TimeoutError("tired")
        if prompts.target == "unknown": raise UnsupportedError("no unknown here")
        if prompts.target == "exit": exit(4)
        if prompts.target == "probabilities": return np.full(self.image.shape_ijk, 0.3)
        if prompts.target == "small": return np.ones((1, 2, 3), dtype=bool)
        inside = np.zeros(self.image.geometry.shape_ijk, dtype=bool)
        for (i, j, k), label in zip(prompts.points_ijk, prompts.labels):
            inside[i, j, k] = label == 1
        if prompts.previous is not None:
            inside |= prompts.previous
        if prompts.box is not None:
            return prompts.box, np.full([prompts.box[n + 3] - prompts.box[n] for n in range(3)], 7)
        if prompts.target == "bright":
            return (self.image.grey() > 100).astype(np.float32)
        return inside


serve(Model)
"""

LIAR = """
import json, os, signal, sys, time

mode = sys.argv[1]
card = {"name": "liar", "description": "d", "licence": "MIT", "dimensions": [3], "prompts": ["points"]}
opened = 0
for line in sys.stdin:
    request = json.loads(line)
    kind, reply = request["request"], {"id": request["id"]}
    if kind == "hello":
        folder = request["folder"]
        reply.update(version=1, card=card)
        if mode == "version": reply["version"] = 2
        if mode == "no card": del reply["card"]
        if mode == "no licence": del card["licence"]
        if mode == "smells": card["prompts"] = ["smells"]
        if mode == "seconds": reply["seconds"] = {"predict": -1}
        if mode == "own seconds": reply["seconds"] = {"predict": 0.4}
        if mode == "silent": time.sleep(60)
        if mode == "loses weights": reply["error"] = {"kind": "failed", "message": "KeyError: neck"}
    if kind == "predict":
        empty = {"box": [0, 0, 0, 0, 0, 0], "file": None}
        masks = [dict(empty) for _ in request["prompts"]]
        reply["masks"] = masks
        keys = [one["key"] for one in request["prompts"]]
        mask = masks[keys.index("bad")] if "bad" in keys else None
        if mask is None: pass
        elif mode == "exits": sys.stderr.write("out of\\\\npatience\\\\n"); sys.exit(3)
        elif mode == "segfault": os.kill(os.getpid(), signal.SIGSEGV)
        elif mode in ("hangs", "own seconds"): time.sleep(60)
        elif mode == "closes": os.close(1); time.sleep(60)
        elif mode == "garbage": print("Loading model... 100%", flush=True)
        elif mode == "binary": os.write(1, bytes(range(128, 255)) + b"\\\\n")
        elif mode == "list": print("[1, 2]", flush=True)
        elif mode == "other id": reply["id"] = 0
        elif mode == "endless":
            while True: os.write(1, b"x" * 65536)
        elif mode == "few": masks.clear()
        elif mode == "no list": reply["masks"] = 5
        elif mode == "no box": del mask["box"]
        elif mode == "float box": mask["box"][0] = 0.5
        elif mode == "elsewhere": mask.update(box=[0, 0, 0, 1, 1, 1], file="../../etc/passwd")
        elif mode == "missing": mask.update(box=[0, 0, 0, 1, 1, 1], file="none.npy")
        elif mode in ("no array", "large"):
            with open(os.path.join(folder, "a.npy"), "wb") as stream:
                stream.write(b"no array" if mode == "no array" else b"0" * 100000)
            mask.update(box=[0, 0, 0, 1, 1, 1], file="a.npy")
        elif mode == "wrong shape":
            header = "{'descr': '|b1', 'fortran_order': False, 'shape': (2, 1, 1), }".ljust(117) + chr(10)
            start = b"\\x93NUMPY\\x01\\x00" + len(header).to_bytes(2, "little")
            with open(os.path.join(folder, "a.npy"), "wb") as stream:
                stream.write(start + header.encode() + b"\\x01\\x00")
            mask.update(box=[0, 0, 0, 1, 1, 1], file="a.npy")
        elif mode == "error word": reply["error"] = "no"
    print(json.dumps(reply), flush=True)
""".replace("\\\\", "\\")


def liar(folder, mode):
    """Return the command of a program that lies in the given way."""
    path = folder / "liar.py"
    path.write_text(LIAR, encoding="utf-8")
    return f"{sys.executable} -S -E {path} '{mode}'"


def served(folder, serve_path):
    """Return the command of a program that uses a copy of the client library in a folder of its own."""
    (folder / "copied").mkdir()
    (folder / "copied" / "serve.py").write_bytes(serve_path.read_bytes())
    path = folder / "served.py"
    path.write_text(SERVED.format(folder=str(folder / "copied")), encoding="utf-8")
    return f"{sys.executable} -I {path}"
