"""Runs a program that may make no Unix sockets, as systemd's RestrictAddressFamilies does it: socket(2) says EAFNOSUPPORT.

    python3 no_unix_sockets.py PROGRAM ARGUMENT...
"""
import ctypes, os, platform, socket, struct, sys

NUMBER = {'x86_64': 41, 'aarch64': 198}[platform.machine()]  # of socket(2)
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06  # BPF_LD | BPF_W | BPF_ABS, BPF_JMP | BPF_JEQ | BPF_K, BPF_RET | BPF_K
ALLOW, REFUSE = 0x7fff0000, 0x00050000 | 97  # SECCOMP_RET_ERRNO | EAFNOSUPPORT
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, FILTER = 38, 22, 2
# struct seccomp_data: the call's number at 0, the low half of its first argument at 16
program = [(LOAD, 0, 0, 0), (EQUAL, 0, 3, NUMBER), (LOAD, 0, 0, 16), (EQUAL, 0, 1, socket.AF_UNIX), (RETURN, 0, 0, REFUSE), (RETURN, 0, 0, ALLOW)]
code = ctypes.create_string_buffer(b''.join(struct.pack('=HBBI', *line) for line in program))


class Program(ctypes.Structure):
    _fields_ = [('length', ctypes.c_ushort), ('code', ctypes.c_void_p)]


libc = ctypes.CDLL(None, use_errno=True)
fprog = Program(len(program), ctypes.addressof(code))
if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(PR_SET_SECCOMP, FILTER, ctypes.byref(fprog), 0, 0):
    sys.exit('no filter can be set: %s' % os.strerror(ctypes.get_errno()))
os.execvp(sys.argv[1], sys.argv[1:])
