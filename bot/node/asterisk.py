"""Finding Asterisk 20 or newer with AudioSocket, or setting up a private one without root.

The private one is made of a newer Debian suite's packages, with all their libraries down to
libc, unpacked into a folder and started with their own loader: nothing of the host changes.
Leaves to others: configuration (``render.py``) and running it (``supervisor.py``).
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from bot.config import Settings
from bot.node.apt import AptSource, debian_mirrors, read_sources
from bot.node.types import Say, SetupError

OLDEST = 20
#: Suites that carry Asterisk 22, tried in order.
SUITES = ("forky", "sid")
MODULES = ("chan_audiosocket.so", "app_audiosocket.so", "res_audiosocket.so", "chan_pjsip.so")
#: A mirror that is updated seldom may show an index this old (its signature is still checked).
INDEX_SECONDS = 90 * 24 * 3600
INSTALL_YOURSELF = (
    f"Install Asterisk {OLDEST} or newer with chan_audiosocket yourself; it will be found."
)


@dataclass(frozen=True, slots=True)
class Machine:
    """How Debian names things on one kind of processor."""

    debian: str
    triplet: str
    loader: str


MACHINES = {
    "x86_64": Machine("amd64", "x86_64-linux-gnu", "lib64/ld-linux-x86-64.so.2"),
    "aarch64": Machine("arm64", "aarch64-linux-gnu", "lib/ld-linux-aarch64.so.1"),
}


@dataclass(frozen=True, slots=True)
class AsteriskInstall:
    """An Asterisk that can be started."""

    argv: list[str]
    """What to execute, without arguments of Asterisk itself."""
    env: dict[str, str]
    """Variables to set besides the usual ones."""
    module_dir: str
    data_dir: str
    version: str
    private: bool = field(default=False)
    """Whether set-up fetched it, rather than the operator."""

    def command(self, conf: Path, *args: str) -> list[str]:
        """Return the command line with this asterisk.conf."""
        return [*self.argv, "-C", str(conf), *args]


def find_or_fetch_asterisk(settings: Settings, say: Say) -> AsteriskInstall:
    """Return the system's Asterisk, else the private one, fetching that if it is not there.

    Raises:
        SetupError: there is none and none can be fetched; the message says why.
    """
    install = find_asterisk(settings)
    if install is None:
        prefix = _prefix(settings)
        fetch_asterisk(prefix, say)
        install = private_asterisk(prefix)
        if install is None:
            raise SetupError(
                f"The Asterisk fetched into {prefix} does not start. " + INSTALL_YOURSELF
            )
    return install


def find_asterisk(settings: Settings) -> AsteriskInstall | None:
    """Return a usable Asterisk of this machine (system first, then private), or None."""
    return system_asterisk() or private_asterisk(_prefix(settings))


def _prefix(settings: Settings) -> Path:
    return settings.home.absolute() / "asterisk"


def system_asterisk() -> AsteriskInstall | None:
    """Return the operator's own Asterisk if it is new enough and has AudioSocket."""
    program = shutil.which("asterisk") or shutil.which("asterisk", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        return None
    machine = MACHINES.get(platform.machine())
    libraries = [f"/usr/lib/{machine.triplet}"] if machine else []
    libraries += ["/usr/lib64", "/usr/lib", "/usr/local/lib64", "/usr/local/lib"]
    for library in libraries:
        modules = Path(library) / "asterisk" / "modules"
        if all((modules / name).is_file() for name in MODULES):
            break
    else:
        return None
    version = _version([program], {})
    data = next((d for d in ("/usr/share/asterisk", "/var/lib/asterisk") if Path(d).is_dir()), "")
    if not data or major(version) < OLDEST:
        return None
    return AsteriskInstall([program], {}, str(modules), data, version)


def private_asterisk(prefix: Path) -> AsteriskInstall | None:
    """Return the private Asterisk under ``prefix`` if it is there and runs."""
    machine = MACHINES.get(platform.machine())
    if machine is None or not (prefix / "usr/sbin/asterisk").is_file():
        return None
    libraries = prefix / "usr/lib" / machine.triplet
    modules = libraries / "asterisk" / "modules"
    if not all((modules / name).is_file() for name in MODULES):
        return None
    argv = [str(prefix / machine.loader), "--library-path", str(libraries)]
    argv.append(str(prefix / "usr/sbin/asterisk"))
    env = {"OPENSSL_MODULES": str(libraries / "ossl-modules")}
    version = _version(argv, env)
    if major(version) < OLDEST:
        return None
    data = str(prefix / "usr/share/asterisk")
    return AsteriskInstall(argv, env, str(modules), data, version, private=True)


def major(version: str) -> int:
    """Return the branch of a version such as ``22.10.1~dfsg``, or 0 if there is none."""
    match = re.match(r"(\d+)\.", version)
    return int(match.group(1)) if match else 0


def _version(argv: list[str], env: dict[str, str]) -> str:
    try:
        result = subprocess.run(
            [*argv, "-V"],
            env={**os.environ, **env},
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    match = re.search(r"Asterisk (?:certified[/-])?(\S+)", result.stdout)
    return match.group(1) if match else ""


def fetch_asterisk(prefix: Path, say: Say) -> None:
    """Fetch Asterisk with all its libraries from the machine's mirror into ``prefix``.

    Raises:
        SetupError: no Debian tools or mirror here, offline, or another processor.
    """
    machine = MACHINES.get(platform.machine())
    if machine is None:
        raise SetupError(f"No ready Asterisk for {platform.machine()}. {INSTALL_YOURSELF}")
    missing = [tool for tool in ("apt-get", "dpkg-deb") if shutil.which(tool) is None]
    if missing:
        raise SetupError(f"{' and '.join(missing)} not found: not a Debian. {INSTALL_YOURSELF}")
    mirrors = debian_mirrors(read_sources())
    if not mirrors:
        raise SetupError(f"No Debian mirror in /etc/apt/sources.list*. {INSTALL_YOURSELF}")
    prefix.parent.mkdir(parents=True, exist_ok=True)
    failures = []
    for mirror in mirrors:
        for suite in SUITES:
            with tempfile.TemporaryDirectory(prefix=".apt.", dir=prefix.parent) as folder:
                try:
                    packages = download_packages(mirror, suite, machine, Path(folder), say)
                    unpack_packages(packages, Path(folder) / "root", prefix, say)
                    return
                except AptError as error:
                    say(f"  {suite} is of no use: {error}")
                    failures.append(f"{suite} at {mirror.uri}: {error}")
    raise SetupError(
        "Asterisk could not be fetched; is the package mirror reachable?\n  "
        + "\n  ".join(failures)
        + f"\n{INSTALL_YOURSELF}"
    )


class AptError(Exception):
    """This mirror and suite did not do; another may."""


def download_packages(
    mirror: AptSource,
    suite: str,
    machine: Machine,
    folder: Path,
    say: Say,
    wanted: tuple[str, ...] = ("asterisk",),
) -> list[Path]:
    """Fetch the packages and everything they need; return the ``.deb`` files.

    Raises:
        AptError: this mirror and suite did not do.
    """
    conf = folder / "apt.conf"
    conf.write_text(apt_conf(folder, machine.debian) + _own_network_settings())
    (folder / "source.sources").write_text(apt_source(mirror, suite, machine.debian))
    for name in ("lists/partial", "cache/archives/partial"):
        (folder / name).mkdir(parents=True)
    env = {
        **os.environ,
        "APT_CONFIG": str(conf),
        "LC_ALL": "C",
        "DEBIAN_FRONTEND": "noninteractive",
    }
    say(
        f"Reading the index of Debian {suite} from this machine's mirror "
        f"(signed; at most {INDEX_SECONDS // 86400} days old)"
    )
    _apt(["apt-get", "update", "--error-on=any"], env, None)
    say(f"Downloading {wanted[0]} with all that it needs")
    install = ["apt-get", "install", "--yes", "--download-only", "--no-install-recommends"]
    _apt([*install, *wanted], env, say)
    packages = sorted((folder / "cache" / "archives").glob("*.deb"))
    if not packages:
        raise AptError("apt-get fetched no packages")
    return packages


def apt_conf(folder: Path, architecture: str) -> str:
    """Return an apt.conf that keeps everything in ``folder`` and touches nothing of the host."""
    return f'''Dir::Etc::main "/dev/null";
Dir::Etc::parts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::Etc::sourcelist "{folder}/source.sources";
Dir::Etc::sourceparts "/dev/null";
Dir::State::lists "{folder}/lists";
Dir::State::status "/dev/null";
Dir::State::extended_states "{folder}/extended_states";
Dir::Cache "{folder}/cache";
Dir::Log "{folder}";
Debug::NoLocking "1";
APT::Architecture "{architecture}";
APT::Architectures {{ "{architecture}"; }};
APT::Sandbox::User "root";
APT::Get::AllowUnauthenticated "false";
Acquire::Languages "none";
Acquire::Retries "2";
Acquire::http::Timeout "20";
Acquire::https::Timeout "20";
Acquire::Min-ValidTime "{INDEX_SECONDS}";
'''


def apt_source(mirror: AptSource, suite: str, architecture: str) -> str:
    """Return the deb822 stanza for ``suite`` at the machine's mirror, with the same keys."""
    lines = ["Types: deb", f"URIs: {mirror.uri}", f"Suites: {suite}", "Components: main"]
    lines.append(f"Architectures: {architecture}")
    if mirror.signed_by:
        lines.append(f"Signed-By: {mirror.signed_by}")
    return "\n".join(lines) + "\n"


def _own_network_settings() -> str:
    """Return the host's proxy settings for apt; its other settings are not wanted here."""
    dump = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=False)
    wanted = re.compile(r"Acquire::https?::(\S+::)?Proxy", re.IGNORECASE)
    return "".join(f"{line}\n" for line in dump.stdout.splitlines() if wanted.match(line))


def _apt(command: list[str], env: dict[str, str], say: Say | None) -> None:
    """Run apt-get; report every fortieth package to ``say``."""
    lines: list[str] = []
    with subprocess.Popen(
        command,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as apt:
        assert apt.stdout is not None
        fetched = 0
        for line in apt.stdout:
            lines.append(line.strip())
            fetched += line.startswith("Get:")
            if say and line.startswith("Get:") and fetched % 40 == 0:
                say(f"  {fetched} packages fetched")
    if apt.returncode != 0:
        errors = [line for line in lines if line.startswith("E:")] or lines[-2:]
        raise AptError(" ".join(errors[:2]))


def unpack_packages(packages: list[Path], root: Path, prefix: Path, say: Say) -> None:
    """Unpack every package into ``root``, then make it ``prefix`` in one step."""
    # Newer suites have these merged into /usr; some packages still name the old places.
    for name in ("bin", "sbin", "lib", "lib64"):
        (root / "usr" / name).mkdir(parents=True)
        (root / name).symlink_to(f"usr/{name}")
    spoken = time.monotonic()
    for count, package in enumerate(packages, 1):
        result = subprocess.run(
            ["dpkg-deb", "-x", str(package), str(root)], capture_output=True, text=True, check=False
        )
        if result.returncode != 0:
            raise SetupError(
                f"{package.name} could not be unpacked: {result.stderr.strip()}. "
                "Is the disk full? About 600 MB are needed."
            )
        if time.monotonic() - spoken > 2:
            spoken = time.monotonic()
            say(f"  {count} of {len(packages)} packages unpacked")
    shutil.rmtree(prefix, ignore_errors=True)
    root.rename(prefix)
