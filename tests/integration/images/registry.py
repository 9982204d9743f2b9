"""A real docker-registry on a free loopback port, and the few uploads tests need."""

from __future__ import annotations

import hashlib
import json
import subprocess
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx

from tests.ports import free_port

if TYPE_CHECKING:
    from pathlib import Path

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
EMPTY = "application/vnd.oci.empty.v1+json"


def digest_of(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


@dataclass
class RealRegistry:
    """The running registry; `host` is what references begin with."""

    port: int
    data: Path
    process: subprocess.Popen[bytes]
    http: httpx.Client = field(default_factory=lambda: httpx.Client(trust_env=False, verify=False))

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @classmethod
    def start(cls, executable: Path, directory: Path, settings: dict[str, Any] | None = None) -> RealRegistry:
        port = free_port()
        config = {
            "version": 0.1,
            "log": {"level": "error"},
            "storage": {"filesystem": {"rootdirectory": str(directory / "data")}, "delete": {"enabled": True}},
            "http": {"addr": f"127.0.0.1:{port}"},
        } | (settings or {})
        (directory / "config.yml").write_text(json.dumps(config))
        with (directory / "log").open("wb") as log:
            process = subprocess.Popen([executable, "serve", directory / "config.yml"], stdout=log, stderr=log)
        registry = cls(port, directory / "data", process)
        registry._wait(directory / "log")
        return registry

    def _wait(self, log: Path) -> None:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if self.http.get(f"http://{self.host}/v2/").status_code in (200, 401):
                    return
            except httpx.TransportError:
                time.sleep(0.05)
        self.stop()
        raise AssertionError(f"docker-registry did not start: {log.read_text()}")

    def stop(self) -> None:
        self.http.close()
        self.process.terminate()
        self.process.wait(20)

    def push_blob(self, repository: str, content: bytes, media_type: str) -> dict[str, Any]:
        """Upload a blob; returns its descriptor."""
        started = self.http.post(f"http://{self.host}/v2/{repository}/blobs/uploads/")
        where = f"{started.headers['location']}&digest={digest_of(content)}"
        self.http.put(where, content=content).raise_for_status()
        return {"mediaType": media_type, "digest": digest_of(content), "size": len(content)}

    def push_manifest(self, repository: str, document: dict[str, Any], tag: str = "") -> dict[str, Any]:
        """Upload a manifest or index, by tag or by digest only; returns its descriptor."""
        content = json.dumps(document).encode()
        where = f"http://{self.host}/v2/{repository}/manifests/{tag or digest_of(content)}"
        self.http.put(where, content=content, headers={"content-type": document["mediaType"]}).raise_for_status()
        return {"mediaType": document["mediaType"], "digest": digest_of(content), "size": len(content)}

    def push_image(self, repository: str, tag: str, salt: str = "") -> str:
        """Upload an image without layers, told apart by `salt`; returns its digest."""
        return str(self._image(repository, tag, salt or f"{repository}:{tag}")["digest"])

    def push_index(self, repository: str, tag: str) -> tuple[str, list[str]]:
        """Upload a two-platform index; returns its digest and those of the platforms."""
        platforms = [
            self._image(repository, "", f"{repository}:{tag}:{name}")
            | {"platform": {"os": "linux", "architecture": name}}
            for name in ("amd64", "arm64")
        ]
        index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": platforms}
        return str(self.push_manifest(repository, index, tag)["digest"]), [str(entry["digest"]) for entry in platforms]

    def attach(self, repository: str, subject: str, content: bytes, media_type: str) -> str:
        """Attach `content` to the manifest `subject` as cosign 3 does without a referrers API; returns its digest."""
        manifest = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "artifactType": media_type,
            "config": self.push_blob(repository, b"{}", EMPTY),
            "layers": [self.push_blob(repository, content, media_type)],
            "subject": self.descriptor(repository, subject),
        }
        entry = self.push_manifest(repository, manifest) | {"artifactType": EMPTY}
        tag = subject.replace(":", "-")
        listed = self.get(repository, tag)["manifests"] if self.has(repository, tag) else []
        index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [*listed, entry]}
        self.push_manifest(repository, index, tag)
        return str(entry["digest"])

    def descriptor(self, repository: str, reference: str) -> dict[str, Any]:
        answer = self._fetch(repository, reference)
        media_type = answer.headers["content-type"]
        return {"mediaType": media_type, "digest": digest_of(answer.content), "size": len(answer.content)}

    def get(self, repository: str, reference: str) -> dict[str, Any]:
        """A manifest, parsed."""
        parsed: dict[str, Any] = self._fetch(repository, reference).raise_for_status().json()
        return parsed

    def has(self, repository: str, reference: str) -> bool:
        return self._fetch(repository, reference).status_code == 200

    def blob(self, repository: str, digest: str) -> bytes:
        return self.http.get(f"http://{self.host}/v2/{repository}/blobs/{digest}").raise_for_status().content

    def corrupt(self, digest: str, change: tuple[bytes, bytes]) -> None:
        """Change stored bytes behind the registry's back, as a malicious registry would."""
        hexadecimal = digest.removeprefix("sha256:")
        file = self.data / "docker/registry/v2/blobs/sha256" / hexadecimal[:2] / hexadecimal / "data"
        content = file.read_bytes()
        assert change[0] in content
        file.write_bytes(content.replace(*change))

    def _fetch(self, repository: str, reference: str) -> httpx.Response:
        accept = f"{OCI_INDEX}, {OCI_MANIFEST}"
        return self.http.get(f"http://{self.host}/v2/{repository}/manifests/{reference}", headers={"accept": accept})

    def _image(self, repository: str, tag: str, salt: str) -> dict[str, Any]:
        config = json.dumps({"os": "linux", "architecture": "amd64", "config": {"Labels": {"salt": salt}}}).encode()
        manifest = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": self.push_blob(repository, config, OCI_CONFIG),
            "layers": [],
            "annotations": {"salt": salt},
        }
        return self.push_manifest(repository, manifest, tag)
