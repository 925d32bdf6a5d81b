"""What a program for Windows says of itself: flags of its header, and the DLLs it asks for. Read by hand: the format is short."""
import struct

# IMAGE_OPTIONAL_HEADER.DllCharacteristics; winnt.h and the PE Format specification name them.
CHARACTERISTICS = {"high-entropy-va": 0x0020, "dynamic-base": 0x0040, "nx-compat": 0x0100}
RELOCS_STRIPPED = 0x0001
WRITABLE_CODE = 0x80000000 | 0x20000000  # IMAGE_SCN_MEM_WRITE and IMAGE_SCN_MEM_EXECUTE

# What every Windows 10 has in its system folder. A DLL of the compiler's (libstdc++-6.dll, libgcc_s_seh-1.dll,
# libwinpthread-1.dll) would be looked for beside the program first, where anybody who may write there puts another.
SYSTEM_DLLS = {"advapi32.dll", "bcrypt.dll", "crypt32.dll", "iphlpapi.dll", "kernel32.dll", "kernelbase.dll", "msvcrt.dll", "mswsock.dll",
               "ntdll.dll", "ole32.dll", "rpcrt4.dll", "secur32.dll", "shell32.dll", "ucrtbase.dll", "user32.dll", "userenv.dll",
               "wintrust.dll", "ws2_32.dll"}


class Pe:
    def __init__(self, data):
        self.data = data
        at = struct.unpack_from("<I", data, 0x3C)[0] if data[:2] == b"MZ" else 0
        if not at or data[at:at + 4] != b"PE\0\0":
            raise ValueError("not a program for Windows")
        self.machine, sections = struct.unpack_from("<HH", data, at + 4)
        optional_size, self.file_flags = struct.unpack_from("<HH", data, at + 20)
        optional = at + 24
        if struct.unpack_from("<H", data, optional)[0] != 0x20B:
            raise ValueError("not a 64-bit program")
        self.characteristics_at = optional + 70
        self.characteristics = struct.unpack_from("<H", data, self.characteristics_at)[0]
        count = struct.unpack_from("<I", data, optional + 108)[0]
        self.directories = [struct.unpack_from("<II", data, optional + 112 + 8 * each) for each in range(count)]
        self.section_headers = [optional + optional_size + 40 * each for each in range(sections)]
        # (address in memory, bytes in the file, offset in the file, flags)
        self.sections = [struct.unpack_from("<8xIIII12xI", data, header) for header in self.section_headers]

    def offset(self, address):
        for size, start, stored, place, _ in self.sections:
            if start <= address < start + max(size, stored):
                return place + address - start
        raise ValueError(f"address {address:#x} is in no section")

    def text(self, address):
        start = self.offset(address)
        return self.data[start:self.data.index(b"\0", start)].decode("latin-1")

    def names(self, directory, entry_size, name_at):
        """Names in an array of import descriptors that ends with an empty one."""
        if len(self.directories) <= directory or not self.directories[directory][0]:
            return []
        at, found = self.offset(self.directories[directory][0]), []
        while (name := struct.unpack_from("<I", self.data, at + name_at)[0]):
            found.append(self.text(name).lower())
            at += entry_size
        return found

    def imports(self):
        return self.names(1, 20, 12) + self.names(13, 32, 4)  # loaded at the start, and at the first call


def linked_faults(binary):
    """Names of the properties that a program lacks."""
    faults = [name for name, flag in CHARACTERISTICS.items() if not binary.characteristics & flag]
    # Without them it lies where it was linked to, whatever its flags ask for.
    if binary.file_flags & RELOCS_STRIPPED or len(binary.directories) <= 5 or not binary.directories[5][1]:
        faults.append("relocations")
    if any(flags & WRITABLE_CODE == WRITABLE_CODE for *_, flags in binary.sections):
        faults.append("writable-code")
    imports = binary.imports()
    if not imports:
        faults.append("no-imports")  # then it was not read rightly: every program needs kernel32.dll
    return faults + [f"imports-{name}" for name in sorted(set(imports))
                     if name not in SYSTEM_DLLS and not name.startswith("api-ms-win-")]
