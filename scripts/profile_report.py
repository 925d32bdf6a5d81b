#!/usr/bin/env python3
"""Instructions a message, from two runs of callgrind.   usage: profile_report.py SHORT LONG MESSAGES BYTES TOP"""
import re
import subprocess
import sys

CIPHER = re.compile(r"aes256gcm|libcrypto|chacha|libsodium")


def functions(path):
    """Function -> its own instructions, as callgrind_annotate sums them up."""
    text = subprocess.run(["callgrind_annotate", "--threshold=100", "--auto=no", path], check=True, capture_output=True,
                          text=True).stdout
    found = {}
    for line in text.splitlines():
        match = re.match(r"\s*([\d,]+) \([ \d.]+%\)\s+\S*?:(.*)", line)
        if match:
            name = match.group(2)
            found[name] = found.get(name, 0) + int(match.group(1).replace(",", ""))
    return found


def short(name):
    name = re.sub(r"\s*\[.*?([^/\]]+)\]$", r" [\1]", name)
    name = re.sub(r"\(.*\)( const)?", "", name)
    return name.replace("penstock::", "").replace("protocol::", "")


def main():
    if len(sys.argv) != 6:
        sys.exit(__doc__)
    before, after = functions(sys.argv[1]), functions(sys.argv[2])
    messages, top = int(sys.argv[3]), int(sys.argv[5])
    each = {name: (after[name] - before.get(name, 0)) / messages for name in after}
    total = sum(each.values())
    cipher = sum(count for name, count in each.items() if CIPHER.search(name))
    if total <= 0 or cipher <= 0:
        sys.exit("profile_report.py: nothing was counted: does callgrind_annotate understand these files?")
    print(f"\n{sys.argv[4]} B: {total:.0f} instructions a message, sealed and opened; the cipher's {cipher:.0f}, "
          f"all else {total - cipher:.0f}")
    rest = sorted(((count, name) for name, count in each.items() if not CIPHER.search(name)), reverse=True)
    for count, name in rest[:top]:
        print(f"  {count:6.0f}  {short(name)}")


if __name__ == "__main__":
    main()
