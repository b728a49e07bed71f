// Terminals, and the kernel's names for interrupts and for keyboard and mouse.

#include "abi/termios.h"
#include "userland/conform/areas.h"
#include "userland/conform/objects.h"
#include "userland/rt/output.h"
#include "userland/rt/process.h"

namespace halfcell::userland::conform {
namespace {

using enum Errno;

char buffer[256];

uint64_t open_irq(std::string_view path, uint64_t flags = Open::kRdonly) {
    return where_served("irq", open_kernel(abi::GlobalSchemes::kIrq, path, flags));
}
uint64_t open_serio(std::string_view path) {
    return where_served("serio",
                        open_kernel(abi::GlobalSchemes::kSerio, path, Open::kRdonly | Open::kNonblock));
}

// A new terminal and a slave of it, that do not wait.
struct Terminal {
    uint64_t master = OK(open_scheme("pty", Open::kRdwr | Open::kCreat | Open::kNonblock));
    uint64_t slave = kClosed;
    Terminal() {
        const uint64_t size = OK(sc(abi::SYS_FPATH, master, buffer, sizeof buffer));
        slave = OK(openat(word(process().name_space), std::string_view(buffer, size),
                          Open::kRdwr | Open::kNonblock));
    }
    void type(std::string_view keys) const { EXPECT(write(master, keys.data(), keys.size()), keys.size()); }
    void print(std::string_view text) const { EXPECT(write(slave, text.data(), text.size()), text.size()); }
    // The slave reads this.
    void expect_line(std::string_view line, uint64_t most = sizeof buffer) const {
        EXPECT(read(slave, buffer, most), line.size());
        EXPECT_TRUE(std::string_view(buffer, line.size()) == line);
    }
    // The master reads a packet: a byte that says what it is, and this.
    void expect_packet(std::string_view text) const {
        EXPECT(read(master, buffer, sizeof buffer), text.size() + 1);
        EXPECT(buffer[0], 0);
        EXPECT_TRUE(std::string_view(buffer + 1, text.size()) == text);
    }
    [[nodiscard]] abi::Termios settings() const {
        abi::Termios termios;
        EXPECT(read(OK(dup(slave, "termios")), &termios, sizeof termios), sizeof termios);
        return termios;
    }
    void apply(const abi::Termios& termios) const {
        EXPECT(write(OK(dup(slave, "termios")), &termios, sizeof termios), sizeof termios);
    }
};

constexpr Probe kPtyProbes[] = {
    {"lines", "base:ptyd/src/pty.rs input",
     [] {
         const Terminal terminal;
         terminal.type("yes\rno");
         terminal.expect_line("ye", 2);
         terminal.expect_line("s\n");
         EXPECT(read(terminal.slave, buffer, 1), kEAGAIN);
         terminal.type("\n");
         terminal.expect_line("no\n");
     }},
    {"packets", "base:ptyd/src/controlterm.rs read",
     [] {
         const Terminal terminal;
         terminal.print("hi\n");
         terminal.expect_packet("hi\r\n");
         EXPECT(read(terminal.master, buffer, 10), kEAGAIN);
     }},
    {"echo", "base:ptyd/src/pty.rs input",
     [] {
         const Terminal terminal;
         terminal.type("a");
         terminal.expect_packet("a");
         abi::Termios termios = terminal.settings();
         termios.c_lflag &= ~abi::LocalMode::kEcho;
         terminal.apply(termios);
         terminal.type("b\n");
         EXPECT(read(terminal.master, buffer, 10), kEAGAIN);
         terminal.expect_line("ab\n");
     }},
    {"erase-and-end", "base:ptyd/src/pty.rs input",
     [] {
         const Terminal terminal;
         terminal.type("abx\177c\n");
         terminal.expect_line("abc\n");
         terminal.type("end\004");
         terminal.expect_line("end");
         terminal.type("\004");
         EXPECT(read(terminal.slave, buffer, 10), 0);
     }},
    {"raw", "base:ptyd/src/pty.rs input",
     [] {
         const Terminal terminal;
         abi::Termios termios = terminal.settings();
         termios.c_lflag = 0;
         termios.c_iflag = 0;
         termios.c_oflag = 0;
         terminal.apply(termios);
         terminal.type("a\r\003");
         terminal.expect_line("a\r\003");
         terminal.print("\n");
         terminal.expect_packet("\n");
     }},
    {"settings", "base:ptyd/src/termios.rs",
     [] {
         const Terminal terminal;
         abi::Termios termios = terminal.settings();
         const abi::Termios fresh;
         EXPECT(termios.c_lflag, fresh.c_lflag);
         EXPECT(termios.c_iflag, fresh.c_iflag);
         EXPECT(termios.c_oflag, fresh.c_oflag);
         termios.c_cc[3] = 8;
         terminal.apply(termios);
         EXPECT(terminal.settings().c_cc[3], 8);
     }},
    {"size", "base:ptyd/src/winsize.rs",
     [] {
         const Terminal terminal;
         const abi::Winsize size{.ws_row = 24, .ws_col = 80};
         EXPECT(write(OK(dup(terminal.slave, "winsize")), &size, sizeof size), sizeof size);
         abi::Winsize got;
         EXPECT(read(OK(dup(terminal.master, "winsize")), &got, sizeof got), sizeof got);
         EXPECT(got.ws_row, 24);
         EXPECT(got.ws_col, 80);
     }},
    {"the-master-s-end", "base:ptyd/src/scheme.rs on_close",
     [] {
         const Terminal terminal;
         EXPECT(close(terminal.master), 0);
         EXPECT(read(terminal.slave, buffer, 10), 0);
         EXPECT(write(terminal.slave, "x", 1), kEPIPE);
     }},
};

constexpr Probe kIrqProbes[] = {
    {"names", "kernel:src/scheme/irq.rs IrqScheme::kopenat",
     [] {
         EXPECT(open_irq(""), kEISDIR);
         OK(open_irq("", Open::kRdonly | Open::kDirectory));
         OK(open_irq("cpu-00", Open::kRdonly | Open::kDirectory));
         EXPECT(open_irq("16"), kENOENT);
         EXPECT(open_irq("nothing"), kENOENT);
         EXPECT(open_irq("cpu-00/255", Open::kRdonly | Open::kCreat), kENOENT);
     }},
    {"lines", "kernel:src/scheme/irq.rs IrqScheme::kreadoff",
     [] {
         const uint64_t line = OK(open_irq("11", Open::kRdwr));
         EXPECT(read(line, buffer, 7), kEINVAL);
         const uint64_t none = 0x7777'7777;
         // It acknowledges what has not come.
         EXPECT(write(line, &none, sizeof none), 0);
         EXPECT(sc(abi::SYS_FPATH, line, buffer, sizeof buffer), 6);
         EXPECT_TRUE(std::string_view(buffer, 6) == "irq:11");
     }},
    {"the-first-processor", "kernel:src/scheme/irq.rs IrqScheme::kreadoff",
     [] {
         const uint64_t bsp = OK(open_irq("bsp"));
         EXPECT(read(bsp, buffer, 8), 8);
         EXPECT(write(bsp, buffer, 8), kEBADF);
     }},
    {"vectors", "kernel:src/scheme/irq.rs IrqScheme::open_ext_irq",
     [] {
         EXPECT(open_irq("cpu-00/100"), kEINVAL);
         OK(open_irq("cpu-00/100", Open::kRdonly | Open::kCreat));
         EXPECT(open_irq("cpu-00/100", Open::kRdonly | Open::kCreat), kEEXIST);
     }},
};

constexpr Probe kSerioProbes[] = {
    {"names", "kernel:src/scheme/serio.rs SerioScheme::kopenat",
     [] {
         EXPECT(open_serio("2"), kENOENT);
         EXPECT(open_serio("keyboard"), kENOENT);
         const uint64_t keyboard = OK(open_serio("0"));
         EXPECT(sc(abi::SYS_FPATH, keyboard, buffer, sizeof buffer), 7);
         EXPECT_TRUE(std::string_view(buffer, 7) == "serio:0");
     }},
    {"no-key", "kernel:src/scheme/serio.rs SerioScheme::kread",
     [] {
         const uint64_t mouse = OK(open_serio("1"));
         EXPECT(read(mouse, buffer, 1), kEAGAIN);
         EXPECT(write(mouse, buffer, 1), kEBADF);
         EXPECT(fevent(mouse, Ready::kEventRead), 0);
     }},
};

}  // namespace

Area pty_area() {
    return {"pty", "terminals, both ends", kPtyProbes};
}
Area irq_area() {
    return {"irq", "interrupts by name", kIrqProbes};
}
Area serio_area() {
    return {"serio", "keyboard and mouse", kSerioProbes};
}

}  // namespace halfcell::userland::conform
