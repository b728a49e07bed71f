// freestanding probe library for the Redox bootstrap context (linked at 0x1000, no libc, no stack at entry)
typedef unsigned long u64;
typedef long s64;
typedef unsigned int u32;
typedef int s32;
typedef unsigned char u8;
typedef unsigned short u16;
#define TAG (1UL << 62)
#define UEND 0x800000000000UL
#define AUTH (TAG | 9)
enum {
    OPENAT = 0x10100007,
    OPENATF = 0x101003D9,
    UNLINKAT = 0x10000107,
    CLOSE = 0x20000006,
    DUP = 0x20100029,
    DUP2 = 0x2010003F,
    READ = 0x22000003,
    READ2 = 0x22000023,
    WRITE = 0x21000004,
    WRITE2 = 0x2100002D,
    LSEEK = 0x20000013,
    FCHMOD = 0x2000005E,
    FCHOWN = 0x200000CF,
    FCNTL = 0x20000037,
    FEVENT = 0x2000039F,
    CALL = 0x2300CA11,
    SENDFD = 0x20000022,
    GETDENTS = 0x2000002B,
    FMAP = 0x21000384,
    FUNMAP = 0x2000005C,
    MREMAP = 155,
    FLINK = 0x23000009,
    FPATH = 0x220003A0,
    FRENAME = 0x23000026,
    FSTAT = 0x2200001C,
    FSTATVFS = 0x22000064,
    FSYNC = 0x20000076,
    FTRUNCATE = 0x2000005D,
    FUTIMENS = 0x21000140,
    CLOCK_GETTIME = 265,
    FUTEX = 240,
    MPROTECT = 125,
    NANOSLEEP = 162,
    YIELD = 158,
    MKNS = 984
};
enum { PX = 0x10000, PW = 0x20000, PR = 0x40000, MSH = 1, MPRIV = 2, MFIX = 4, MFNR = 12, MLAZY = 16 };
enum {
    O_RDONLY = 0x10000,
    O_WRONLY = 0x20000,
    O_RDWR = 0x30000,
    O_NONBLOCK = 0x40000,
    O_APPEND = 0x80000,
    O_CLOEXEC = 0x1000000,
    O_CREAT = 0x2000000,
    O_DIRECTORY = 0x10000000,
    O_STAT = 0x20000000
};
static inline s64 sc6(u64 n, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f) {
    s64 r;
    register u64 r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
    __asm__ volatile("syscall"
                     : "=a"(r)
                     : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return r;
}
#define SC_X(n, a, b, c, d, e, f, ...) \
    sc6((u64)(n), (u64)(a), (u64)(b), (u64)(c), (u64)(d), (u64)(e), (u64)(f))
#define S(...) SC_X(__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)
void* memset(void* p, int c, u64 n) {
    u8* q = p;
    while (n--)
        *q++ = c;
    return p;
}
void* memcpy(void* d, const void* s, u64 n) {
    u8* q = d;
    const u8* r = s;
    while (n--)
        *q++ = *r++;
    return d;
}
static u64 slen(const char* s) {
    u64 n = 0;
    while (s[n])
        n++;
    return n;
}
static int meq(const void* a, const void* b, u64 n) {
    const u8 *x = a, *y = b;
    for (u64 i = 0; i < n; i++)
        if (x[i] != y[i]) return 0;
    return 1;
}
extern s64 dbg;
static char ob[512];
static u64 on;
s64 dbg = -1;
static void flush(void) {
    u64 o = 0;
    while (o < on) {
        s64 r = S(WRITE, dbg, ob + o, on - o);
        if (r <= 0) break;
        o += r;
    }
    on = 0;
}
static void pc(char c) {
    if (on == sizeof ob) flush();
    ob[on++] = c;
    if (c == '\n') flush();
}
static void ps(const char* s) {
    while (*s)
        pc(*s++);
}
static void px(u64 v) {
    char b[17];
    int i = 16;
    b[16] = 0;
    do {
        b[--i] = "0123456789abcdef"[v & 15];
        v >>= 4;
    } while (v);
    ps("0x");
    ps(b + i);
}
static void pd(s64 v) {
    char b[24];
    int i = 23;
    b[23] = 0;
    u64 u = v < 0 ? -(u64)v : (u64)v;
    do {
        b[--i] = '0' + u % 10;
        u /= 10;
    } while (u);
    if (v < 0) pc('-');
    ps(b + i);
}
static const char* const en[] = {
    "",        "EPERM",  "ENOENT",  "ESRCH",   "EINTR",        "EIO",    "ENXIO",  "E2BIG",
    "ENOEXEC", "EBADF",  "ECHILD",  "EAGAIN",  "ENOMEM",       "EACCES", "EFAULT", "ENOTBLK",
    "EBUSY",   "EEXIST", "EXDEV",   "ENODEV",  "ENOTDIR",      "EISDIR", "EINVAL", "ENFILE",
    "EMFILE",  "ENOTTY", "ETXTBSY", "EFBIG",   "ENOSPC",       "ESPIPE", "EROFS",  "EMLINK",
    "EPIPE",   "EDOM",   "ERANGE",  "EDEADLK", "ENAMETOOLONG", "ENOLCK", "ENOSYS"};
static void pe(s64 r) {
    if (r < 0 && r >= -132) {
        s64 e = -r;
        if (e <= 38)
            ps(en[e]);
        else if (e == 75)
            ps("EOVERFLOW");
        else if (e == 77)
            ps("EBADFD");
        else if (e == 95)
            ps("EOPNOTSUPP");
        else if (e == 110)
            ps("ETIMEDOUT");
        else if (e == 125)
            ps("ECANCELED");
        else if (e == 130)
            ps("EOWNERDEAD");
        else if (e == 131)
            ps("ENOTRECOVERABLE");
        else {
            ps("errno ");
            pd(e);
        }
    } else if ((u64)r > 65536)
        px(r);
    else
        pd(r);
}
static s64 R(const char* n, s64 r) {
    ps(n);
    ps(" -> ");
    pe(r);
    pc('\n');
    return r;
}
#define P(call) R(#call, call)
static void H(const char* n) {
    ps("## ");
    ps(n);
    pc('\n');
}
static void V(const char* n, u64 v) {
    ps("   ");
    ps(n);
    ps(" = ");
    px(v);
    ps(" (");
    pd(v);
    ps(")\n");
}
static void STRV(const char* n, const void* s, s64 l) {
    ps("   ");
    ps(n);
    ps(" = \"");
    const u8* p = s;
    for (s64 i = 0; i < l; i++) {
        if (p[i] == '\n')
            ps("\\n");
        else if (p[i] < 32 || p[i] > 126) {
            ps("\\x");
            pc("0123456789abcdef"[p[i] >> 4]);
            pc("0123456789abcdef"[p[i] & 15]);
        } else
            pc(p[i]);
    }
    ps("\"\n");
}
static s64 openat(u64 d, const char* p, u64 fl) {
    return S(OPENAT, d, p, slen(p), fl, 0);
}
static s64 dupn(u64 fd, const char* p) {
    return S(DUP, fd, p, slen(p));
}
struct map {
    u64 offset, size, flags, address;
};
static s64 fmap(u64 fd, u64 off, u64 size, u64 flags, u64 addr) {
    struct map m = {off, size, flags, addr};
    return S(FMAP, fd, &m, sizeof m);
}
static s64 anon(u64 size, u64 flags, u64 addr) {
    return fmap(~0UL, 0, size, flags, addr);
}
struct ts {
    s64 s;
    s32 n;
    s32 pad;
};
static volatile u64 lastnow;
static u64 rawnow(void) {
    struct ts t = {0};
    S(CLOCK_GETTIME, 4, &t);
    return t.s * 1000000000UL + t.n;
}
static u64 now(void) {
    u64 n = rawnow();
    if (n < lastnow) return lastnow;
    lastnow = n;
    return n;
}
static void msleep(u64 ms) {
    struct ts t = {ms / 1000, (ms % 1000) * 1000000, 0};
    S(NANOSLEEP, &t, 0);
}
static s64 self;
// ---- threads
struct tb {
    void (*fn)(u64);
    u64 arg;
};
__asm__(
    ".globl thr_entry\nthr_entry: mov (%rsi),%rax\n mov 8(%rsi),%rdi\n xor %ebp,%ebp\n call *%rax\n call "
    "thr_exit\n");
extern void thr_entry(void);
void thr_exit(void) {
    u64 v = ~0UL;
    s64 f = dupn(AUTH, "cur-context");
    S(WRITE, f, &v, 8);
    for (;;)
        S(YIELD);
}
static u8 stacks[12][32768] __attribute__((aligned(16)));
static struct tb tbs[12];
static int nthr;
static s64 mkctx(s64 as, s64 ft, void (*fn)(u64), u64 arg) {
    int i = nthr++ % 12;
    s64 thr = dupn(AUTH, "new-context");
    if (thr < 0) return thr;
    tbs[i].fn = fn;
    tbs[i].arg = arg;
    s64 c = dupn(thr, "current-addrspace");
    u64 w[4] = {as, (u64)(stacks[i] + 32768 - 16 - (u64)0), (u64)thr_entry, (u64)&tbs[i]};
    S(WRITE, c, w, 32);
    S(CLOSE, c);
    c = dupn(thr, "current-filetable");
    u64 x = ft;
    S(WRITE, c, &x, 8);
    S(CLOSE, c);
    return thr;
}
static s64 start(s64 thr) {
    s64 s = dupn(thr, "start");
    s64 r = S(WRITE, s, "", 0);
    S(CLOSE, s);
    return r;
}
static s64 thread(void (*fn)(u64), u64 arg) {
    s64 as = dupn(self, "addrspace"), ft = dupn(self, "filetable");
    s64 t = mkctx(as, ft, fn, arg);
    S(CLOSE, as);
    S(CLOSE, ft);
    start(t);
    return t;
}
// forked child: own copy of the address space (prepared so tbs/stack contents are in the copy), copy of file
// table
static s64 forkctx(void (*fn)(u64), u64 arg) {
    int i = nthr % 12;
    tbs[i].fn = fn;
    tbs[i].arg = arg;
    s64 as = dupn(self, "addrspace"), as2 = dupn(as, "exclusive"), ft = dupn(self, "filetable"),
        ft2 = dupn(ft, "copy");
    s64 t = mkctx(as2, ft2, fn, arg);
    S(CLOSE, as);
    S(CLOSE, as2);
    S(CLOSE, ft);
    S(CLOSE, ft2);
    start(t);
    return t;
}
static s64 status(s64 thr, u64* b) {
    s64 f = dupn(thr, "status");
    if (f < 0) return f;
    s64 r = S(READ, f, b, 32);
    S(CLOSE, f);
    return r;
}
static u64 waitdead(s64 thr, u64 ms) {
    u64 b[4];
    u64 e = now() + ms * 1000000;
    for (;;) {
        b[0] = 99;
        status(thr, b);
        if (b[0] == 3 || b[0] == 4 || b[0] == 6 || now() > e) return b[0];
        msleep(5);
    }
}
static void crash(const char* n, void (*fn)(u64), u64 arg) {
    s64 t = thread(fn, arg);
    u64 s = waitdead(t, 300);
    u64 b[4] = {0};
    s64 r = status(t, b);
    ps(n);
    ps(" -> status ");
    pd(s);
    if (s == 6) {
        ps(" kind ");
        pd(b[1]);
        ps(" code ");
        pd(b[2]);
        ps(" addr ");
        px(b[3]);
    }
    ps(" (read ");
    pd(r);
    ps(")\n");
    S(CLOSE, t);
}
static void grants(const char* n, s64 as) {
    static u64 g[64 * 4];
    ps(n);
    ps(":\n");
    S(LSEEK, as, 0, 0);
    s64 r = S(READ, as, g, sizeof g);
    int k = 0;
    while (r > 0) {
        for (s64 i = 0; i < r / 32; i++, k++) {
            ps("   grant ");
            px(g[i * 4]);
            ps(" size ");
            px(g[i * 4 + 1]);
            ps(" flags ");
            px(g[i * 4 + 2]);
            ps(" off ");
            px(g[i * 4 + 3]);
            pc('\n');
        }
        r = S(READ, as, g, sizeof g);
        if (k > 100) break;
    }
    ps("   final read ");
    pe(r);
    pc('\n');
    S(LSEEK, as, 0, 0);
}
static void qexit(void) {
    u64 m[1] = {255};
    S(CALL, self, 0, 0, 1, m);
    __asm__ volatile("outb %%al,%%dx" ::"a"(0), "d"(0x501));
}
__asm__(
    ".section .head,\"ax\"\n .byte 0xeb,0xfe\n .skip 0x18\n .quad _entry\n .text\n .globl _entry\n_entry:\n"
    " mov %rax,entry_regs(%rip)\n mov %rbx,entry_regs+8(%rip)\n mov %rcx,entry_regs+16(%rip)\n mov "
    "%rdx,entry_regs+24(%rip)\n mov %rsi,entry_regs+32(%rip)\n mov %rdi,entry_regs+40(%rip)\n mov "
    "%rbp,entry_regs+48(%rip)\n mov %rsp,entry_regs+56(%rip)\n"
    " mov %r8,entry_regs+64(%rip)\n mov %r9,entry_regs+72(%rip)\n mov %r10,entry_regs+80(%rip)\n mov "
    "%r11,entry_regs+88(%rip)\n mov %r12,entry_regs+96(%rip)\n mov %r13,entry_regs+104(%rip)\n mov "
    "%r14,entry_regs+112(%rip)\n mov %r15,entry_regs+120(%rip)\n"
    " lea stack_top(%rip),%rsp\n pushfq\n popq entry_regs+128(%rip)\n stmxcsr entry_regs+136(%rip)\n fnstcw "
    "entry_regs+144(%rip)\n mov %cs,entry_regs+152(%rip)\n mov %ss,entry_regs+160(%rip)\n xor %ebp,%ebp\n "
    "call cmain\n1: jmp 1b\n .data\n .balign 16\n .globl entry_regs\nentry_regs: .skip 192\n .bss\n .balign "
    "16\n .skip 65536\nstack_top:\n .text\n");
extern u64 entry_regs[24];
void probe(void);
void cmain(void) {
    dbg = openat(TAG | 1, "", O_RDWR);
    self = dupn(AUTH, "cur-context");
    ps("PROBE START\n");
    probe();
    ps("PROBE END\n");
    qexit();
    for (;;)
        S(YIELD);
}
