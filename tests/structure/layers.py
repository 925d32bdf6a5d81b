"""Which layer a file belongs to, and what it may include. The one table of the dependency rule."""
import pathlib
import re

# Lower layers first. A file may include its own layer and those before it; "base" holds the vocabulary of them all.
ORDER = ["base", "crypto", "transports", "protocol", "tool"]
# These may use everything below. Nothing of ours may include them, but tests may test an example, and the profile passes messages between
# the two ends in memory that the fuzz targets are made of.
OUTER = ["examples", "tests", "bench", "fuzz"]

PUBLIC = {
    "bytes": "base", "completion": "base", "error": "base", "handle": "base", "limits": "base", "native": "base",
    "result": "base", "sealed_buffer": "transports",
    "keys": "crypto",
    "endpoint": "transports", "identity": "transports",
    "audit": "protocol", "blocking": "protocol", "channel": "protocol", "connect": "protocol", "launch": "protocol",
    "listener": "protocol", "message": "protocol", "options": "protocol", "penstock": "protocol", "policy": "protocol",
    "single_instance": "protocol",
}

# Users of the library compile public headers: these would become their dependencies and their compile time.
NOT_IN_PUBLIC = re.compile(r"^(nlohmann/|toml\+\+|toml\.hpp|CLI/|fmt/|sodium|boost/asio\.hpp)")

SUFFIXES = {".hpp", ".cpp", ".h", ".c"}
PLATFORM_FILE = re.compile(r"_(linux|windows|posix)\.(hpp|cpp)$|^include/platform/")
PLATFORM_CONDITION = re.compile(r"^\s*#\s*(?:if|ifdef|ifndef|elif)\b.*\b(_WIN32|_WIN64|WIN32|__linux__|__linux|__unix__|__APPLE__|__FreeBSD__|_POSIX_\w+)\b")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
LINE_LIMIT = 400


def area_of(path):
    """The layer or outer directory of a path relative to the root; None when it is none of ours."""
    parts = pathlib.PurePosixPath(path).parts
    if parts[:2] == ("include", "platform") and len(parts) == 5:
        parts = ("include",) + parts[3:]
    if parts[:2] == ("include", "penstock") and len(parts) == 3:
        return PUBLIC.get(pathlib.PurePosixPath(path).stem, "unknown public header")
    if parts[:1] == ("include",):
        return "unknown public header"  # it would be installed under a name that nobody chose, or not at all
    return parts[0] if parts and parts[0] in ORDER + OUTER else None


def area_of_include(name):
    return area_of("include/" + name) if name.startswith("penstock/") else area_of(name)


def allowed(user, used):
    if user in OUTER:
        return used == user or used in ORDER or (user, used) in {("tests", "examples"), ("bench", "fuzz")}
    return used in ORDER and ORDER.index(used) <= ORDER.index(user)


def file_faults(path, text):
    """Everything wrong with one source file, as (line number, sentence). `path` is relative to the root."""
    user = area_of(path)
    public = path.startswith("include/")
    faults = []
    lines = text.splitlines()
    if user == "unknown public header":
        return [(1, "public header with no layer: add it to PUBLIC in tests/structure/layers.py")]
    if len(lines) > LINE_LIMIT:
        faults.append((len(lines), f"{len(lines)} lines; the limit is {LINE_LIMIT}: split it by idea"))
    for number, line in enumerate(lines, 1):
        if PLATFORM_CONDITION.match(line) and not PLATFORM_FILE.search(path):
            faults.append((number, "platform condition in a shared file: make whole files NAME_linux.cpp and NAME_windows.cpp"))
        match = INCLUDE.match(line)
        if not match:
            continue
        name = match.group(2)
        used = area_of_include(name)
        if public and NOT_IN_PUBLIC.match(name):
            faults.append((number, f"public header includes <{name}>, which its users would then need"))
        if used is None:
            if match.group(1) == '"' and not public and "/" not in name and user in ORDER:
                faults.append((number, f'include "{name}" from the root of the repository: "{user}/{name}"'))
            continue
        if public and not name.startswith("penstock/"):
            faults.append((number, f"public header includes the internal {name}"))
        elif used == "unknown public header":
            faults.append((number, f"{name} has no layer: add it to PUBLIC in tests/structure/layers.py"))
        elif not allowed(user, used):
            faults.append((number, f"{user} may not include {name} of {used}: dependencies go downwards only"))
        elif user == "examples" and not name.startswith("penstock/") and used != "examples":
            faults.append((number, f"an example includes the internal {name}: it must show what users can do"))
    return faults
