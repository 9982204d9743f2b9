"""Images under the official names, made from Debian's packages and this Python, where no registry can be reached.

Each holds the real program at the path, with the entrypoint and the user that the official image has. Grafana alone
is not the real one: nobody packages it, so its image reads and judges the provisioning as Grafana does (grafana.py).
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pip
import yaml

from stackctl.render.compose import known_images
from stackctl.runtime.tools import parts_dir
from tests.litellm_sdk import VERSION, sdk_packages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

PYTHON_IMAGE = f"docker.io/library/python:{sys.version_info.major}.{sys.version_info.minor}-slim-bookworm"
_WANTED_BY_WHEELS = (
    *("libgcc_s.so.1", "libstdc++.so.6", "librt.so.1", "libdl.so.2", "libpthread.so.0", "libm.so.6", "libutil.so.1"),
    *("libresolv.so.2", "libnss_files.so.2", "libnss_dns.so.2"),
)
_BUILT_IN = b"/usr/share/prometheus/"
_HERE = Path(__file__).parent
_LIBRARY = re.compile(r"(?:=> )?(/\S+) \(0x")
_USERS = "root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\npostgres:x:999:999::/:/bin/sh\n"
_DIRECTORIES = {"tmp": (0, 0o1777), "etc": (0, 0o755), "run": (0, 0o755), "proc": (0, 0o755), "sys": (0, 0o755)}


@dataclass
class Tree:
    """The files of an image: path in the image → file here, or text; directories with their owner and mode."""

    files: dict[str, Path] = field(default_factory=dict)
    texts: dict[str, tuple[str, int]] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    directories: dict[str, tuple[int, int]] = field(default_factory=lambda: dict(_DIRECTORIES))

    def add(self, source: Path, target: str) -> None:
        """A file or a whole directory, and every library its executables need."""
        paths = [path for path in source.rglob("*") if path.is_file()] if source.is_dir() else [source]
        for path in paths:
            inside = f"{target}/{path.relative_to(source)}" if source.is_dir() else target
            self.files[inside.lstrip("/")] = path.resolve()
            self._add_libraries(path)

    def _add_libraries(self, program: Path) -> None:
        with program.open("rb") as file:
            if file.read(4) != b"\x7fELF":
                return
        for library in libraries(program):
            inside = library.lstrip("/").removeprefix("usr/")
            inside = inside if inside.startswith("lib") else f"lib/x86_64-linux-gnu/{Path(library).name}"
            self.files.setdefault(inside, Path(library).resolve())

    def busybox(self, *applets: str) -> None:
        self.files["bin/busybox"] = package("busybox-static") / "bin" / "busybox"
        for applet in ("sh", "cat", "df", "id", "ip", "ls", "nc", "sleep", "timeout", "touch", "wget", *applets):
            self.links[f"bin/{applet}"] = "busybox"

    def write(self, archive: Path) -> None:
        with tarfile.open(archive, "w") as tar:
            for name, (owner, mode) in sorted(self.directories.items()):
                entry = tarfile.TarInfo(name)
                entry.type, entry.mode, entry.uid, entry.gid = tarfile.DIRTYPE, mode, owner, owner
                tar.addfile(entry)
            for name, path in self.files.items():
                tar.add(path, name, recursive=False, filter=_as_root)
            for name, (text, mode) in ({"etc/passwd": (_USERS, 0o644)} | self.texts).items():
                with tempfile.NamedTemporaryFile("w") as file:
                    file.write(text)
                    file.flush()
                    Path(file.name).chmod(mode)
                    tar.add(file.name, name, filter=_as_root)
            for name, target in self.links.items():
                entry = tarfile.TarInfo(name)
                entry.type, entry.linkname = tarfile.SYMTYPE, target
                tar.addfile(entry)


def package(name: str) -> Path:
    """The root of an unpacked Debian package of `scripts/parts docker`."""
    return parts_dir() / "docker" / name


def library_path() -> str:
    """Where the unpacked packages have their libraries."""
    packages = parts_dir() / "docker"
    found = [*packages.glob("*/usr/lib/x86_64-linux-gnu"), *packages.glob("*/lib/x86_64-linux-gnu")]
    return os.pathsep.join(str(path) for path in sorted(found))


def libraries(program: Path) -> list[str]:
    """The shared libraries of an executable, as the dynamic linker finds them."""
    environment = os.environ | {"LD_LIBRARY_PATH": library_path()}
    done = subprocess.run(["ldd", str(program)], capture_output=True, text=True, check=False, env=environment)
    assert "not found" not in done.stdout, f"{program}: {done.stdout}"
    return _LIBRARY.findall(done.stdout)


def prometheus() -> Tree:
    tree, root = Tree(), parts_dir() / "newer"
    usr = root / "prometheus" / "usr"
    tree.add(_program(usr, "prometheus"), "bin/prometheus")
    tree.add(usr / "share" / "prometheus", "usr/share/prometheus")
    tree.busybox("grep")
    tree.directories |= {"prometheus": (65534, 0o755), "etc/prometheus": (0, 0o755)}
    return tree


def alertmanager() -> Tree:
    tree, root = Tree(), parts_dir() / "newer" / "prometheus-alertmanager" / "usr"
    tree.add(_program(root, "prometheus-alertmanager"), "bin/alertmanager")
    tree.add(root / "share" / "prometheus", "usr/share/prometheus")
    tree.busybox("grep")
    tree.directories |= {"alertmanager": (65534, 0o755), "etc/alertmanager": (0, 0o755)}
    return tree


def grafana() -> Tree:
    tree = python(with_pip=False)
    tree.texts["run.sh"] = ("#!/bin/sh\nexec python3 /grafana.py\n", 0o755)
    tree.files["grafana.py"] = _HERE / "grafana.py"
    for path in Path(yaml.__file__).parent.glob("*.py"):
        tree.files[
            f"usr/local/lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages/yaml/{path.name}"
        ] = path
    tree.directories |= {"var/lib/grafana": (472, 0o755)}
    return tree


def postgres() -> Tree:
    tree, version = Tree(), "15"
    for name in (f"postgresql-{version}", f"postgresql-client-{version}"):
        root = package(name) / "usr"
        tree.add(root / "lib" / "postgresql" / version / "bin", f"usr/lib/postgresql/{version}/bin")
        if name == f"postgresql-{version}":
            library = root / "lib" / "postgresql" / version / "lib"
            for each in ("dict_snowball.so", "plpgsql.so"):
                tree.add(library / each, f"usr/lib/postgresql/{version}/lib/{each}")
            tree.add(root / "share" / "postgresql" / version, f"usr/share/postgresql/{version}")
    for path in Path("/usr/share/zoneinfo").glob("UTC"):
        tree.files["usr/share/zoneinfo/UTC"] = path.resolve()
    tree.links |= {
        f"bin/{name}": f"../usr/lib/postgresql/{version}/bin/{name}"
        for name in ("pg_isready", "psql", "initdb", "postgres")
    }
    tree.texts["usr/local/bin/docker-entrypoint.sh"] = ((_HERE / "postgres-entrypoint.sh").read_text(), 0o755)
    tree.busybox("mkdir", "chmod", "grep")
    tree.directories |= {"var/lib/postgresql": (999, 0o755), "var/lib/postgresql/data": (999, 0o1777)}
    tree.directories |= {"var/run": (0, 0o755), "var/run/postgresql": (999, 0o1777)}
    return tree


def redis() -> Tree:
    tree = Tree()
    tree.add(package("redis-tools") / "usr" / "bin" / "redis-check-rdb", "usr/local/bin/redis-server")
    tree.add(package("redis-tools") / "usr" / "bin" / "redis-cli", "usr/local/bin/redis-cli")
    tree.busybox("grep")
    tree.directories |= {"data": (999, 0o755)}
    return tree


def python(*, with_pip: bool = True) -> Tree:
    """This very Python, trimmed, where the official image has it."""
    tree = Tree()
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    base = Path(sys.base_prefix)
    home = base / "lib" / version
    for path in home.rglob("*"):
        skipped = {"site-packages", "dist-packages", "test", "tests", "__pycache__", "idlelib", "tkinter", "turtledemo"}
        inside = path.relative_to(home)
        if path.is_file() and not skipped & set(inside.parts) and path.suffix != ".a":
            tree.add(path, f"usr/local/lib/{version}/{inside}")
    if with_pip:
        tree.add(Path(pip.__file__).parent, f"usr/local/lib/{version}/site-packages/pip")
    tree.add(base / "bin" / version, f"usr/local/bin/{version}")
    for library in _WANTED_BY_WHEELS:
        tree.add(Path("/usr/lib/x86_64-linux-gnu") / library, f"lib/x86_64-linux-gnu/{library}")
    tree.links |= {f"usr/local/bin/{name}": version for name in ("python", "python3")}
    # Debian's own Python looks for packages there alone, any other in site-packages.
    tree.links[f"usr/local/lib/{version}/dist-packages"] = "site-packages"
    tree.busybox("mkdir", "find", "chmod")
    return tree


def litellm() -> Tree:
    """The real proxy as scripts/litellm installs it, on the same Python."""
    tree, packages = python(with_pip=False), sdk_packages()
    unused = {"pip", "_polars_runtime_32", "polars", "__pycache__"}
    for path in packages.rglob("*"):
        inside = path.relative_to(packages)
        if path.is_file() and not unused & set(inside.parts):
            tree.files[f"usr/local/lib/{packages.parent.name}/site-packages/{inside}"] = path
    tree.texts["usr/local/bin/litellm"] = ("#!/usr/local/bin/python3\n" + (_HERE / "litellm.py").read_text(), 0o755)
    return tree


_RECIPES: dict[str, tuple[Callable[[], Tree], tuple[str, ...]]] = {
    "prometheus": (prometheus, ('ENTRYPOINT ["/bin/prometheus"]', "USER nobody", "WORKDIR /prometheus")),
    "alertmanager": (alertmanager, ('ENTRYPOINT ["/bin/alertmanager"]', "USER nobody", "WORKDIR /alertmanager")),
    "grafana": (grafana, ('ENTRYPOINT ["/run.sh"]', "USER 472", "ENV PATH=/usr/local/bin:/bin")),
    "postgres": (
        postgres,
        (
            'ENTRYPOINT ["docker-entrypoint.sh"]',
            'CMD ["postgres"]',
            "ENV PGDATA=/var/lib/postgresql/data",
            "ENV PATH=/usr/local/bin:/usr/lib/postgresql/15/bin:/bin",
        ),
    ),
    "redis": (redis, ("ENV PATH=/usr/local/bin:/bin", "WORKDIR /data")),
    "python": (python, ("ENV PATH=/usr/local/bin:/bin", 'CMD ["python3"]')),
    "litellm": (litellm, ("ENV PATH=/usr/local/bin:/bin",)),
}
EVERY_STACK = tuple(part for part in _RECIPES if part != "litellm")


def image_name(part: str) -> str:
    """The official name and tag that the stack asks for."""
    known = known_images()
    if part == "litellm":
        return f"{known[part].image}:v{VERSION}"
    return f"{known[part].image}:{known[part].tag}" if part in known else PYTHON_IMAGE


def import_images(docker: Callable[..., str], parts: Iterable[str] = EVERY_STACK) -> None:
    """Make every image in the engine that `docker` talks to."""
    for part in parts:
        changes = (word for change in _RECIPES[part][1] for word in ("--change", change))
        docker("import", *changes, str(archive_of(part)), image_name(part))


def archive_of(part: str) -> Path:
    """The image's files as one archive, kept for the next run while what it is made of is the same."""
    home = _made(parts_dir() / "docker" / "images")
    target = home / f"{part}-{_ingredients()}.tar"
    if not target.exists():
        fresh = home / f".{target.name}.{os.getpid()}"
        _RECIPES[part][0]().write(fresh)
        for old in home.glob(f"{part}-*.tar"):
            old.unlink(missing_ok=True)
        fresh.rename(target)
    return target


@cache
def _ingredients() -> str:
    packages = [path for name in ("docker", "newer") for path in sorted((parts_dir() / name).glob("*/usr"))]
    known = [f"{path} {path.stat().st_mtime_ns}" for path in packages] + [sys.version, sys.base_prefix]
    recipes = [path.read_text() for path in sorted(_HERE.iterdir()) if path.is_file()]
    return hashlib.sha256("\0".join([*known, *recipes]).encode()).hexdigest()[:16]


def wheels(requirements: str) -> Path:
    """A directory with a wheel of every requirement, kept for the next run."""
    key = hashlib.sha256(f"{requirements}{sys.version}".encode()).hexdigest()[:16]
    home = parts_dir() / "docker" / "wheels" / key
    if not home.is_dir():
        fresh = Path(tempfile.mkdtemp(dir=_made(home.parent), prefix=".new-"))
        listed = fresh / "requirements.txt"
        listed.write_text(requirements)
        command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(fresh), "-r", str(listed)]
        subprocess.run(command, check=True, capture_output=True)
        listed.unlink()
        try:
            fresh.rename(home)
        except OSError:
            shutil.rmtree(fresh)
    return home


def _made(directory: Path) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def _program(usr: Path, name: str) -> Path:
    """An executable as Debian built it: `scripts/parts` moves its data directory, which in an image is in its place."""
    home = _made(parts_dir() / "docker" / "as-built")
    content = (usr / "libexec" / name).read_bytes()
    digest = hashlib.sha256(content).hexdigest()[:12]
    target = home / f"{name}-{digest}"
    if not target.exists():
        fresh = home / f".{target.name}.{os.getpid()}"
        fresh.write_bytes(content.replace(b"/proc/self/fd/9".ljust(len(_BUILT_IN), b"/"), _BUILT_IN))
        fresh.chmod(0o755)
        fresh.rename(target)
    return target


def _as_root(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    return entry
