#pragma once

// Terminal settings, as programs and the pty scheme pass them. Source: redox_termios 0.1.3, which ptyd and
// relibc agree on (relibc's winsize has two words more, which no server sees).

#include <cstdint>

namespace halfcell::abi {

struct InputMode {
    using Bits = std::uint32_t;
    static constexpr Bits kInlcr = 0100;
    static constexpr Bits kIgncr = 0200;
    static constexpr Bits kIcrnl = 0400;
    static constexpr Bits kIxon = 01000;
};

struct OutputMode {
    using Bits = std::uint32_t;
    static constexpr Bits kOpost = 01;
    static constexpr Bits kOnlcr = 02;
};

struct ControlMode {
    using Bits = std::uint32_t;
    static constexpr Bits kB38400 = 017;
    static constexpr Bits kCs8 = 01400;
    static constexpr Bits kCread = 04000;
    static constexpr Bits kHupcl = 040000;
};

struct LocalMode {
    using Bits = std::uint32_t;
    static constexpr Bits kEchoe = 0x02;
    static constexpr Bits kEchok = 0x04;
    static constexpr Bits kEcho = 0x08;
    static constexpr Bits kEchonl = 0x10;
    static constexpr Bits kIsig = 0x80;
    static constexpr Bits kIcanon = 0x100;
    static constexpr Bits kIexten = 0x400;
    static constexpr Bits kNoflsh = 0x8000'0000;
};

// Indices into Termios::c_cc. A character of value 0 is disabled.
struct ControlCharacter {
    static constexpr unsigned kEof = 0;
    static constexpr unsigned kEol = 1;
    static constexpr unsigned kEol2 = 2;
    static constexpr unsigned kErase = 3;
    static constexpr unsigned kWerase = 4;
    static constexpr unsigned kKill = 5;
    static constexpr unsigned kReprint = 6;
    static constexpr unsigned kIntr = 8;
    static constexpr unsigned kQuit = 9;
    static constexpr unsigned kSusp = 10;
    static constexpr unsigned kStart = 12;
    static constexpr unsigned kStop = 13;
    static constexpr unsigned kLnext = 14;
    static constexpr unsigned kDiscard = 15;
    static constexpr unsigned kMin = 16;
    static constexpr unsigned kTime = 17;
};

// What a terminal begins with: cooked, with echo and signals.
struct Termios {
    std::uint32_t c_iflag = InputMode::kIcrnl | InputMode::kIxon;
    std::uint32_t c_oflag = OutputMode::kOpost | OutputMode::kOnlcr;
    std::uint32_t c_cflag =
        ControlMode::kB38400 | ControlMode::kCs8 | ControlMode::kCread | ControlMode::kHupcl;
    std::uint32_t c_lflag = LocalMode::kIsig | LocalMode::kIcanon | LocalMode::kEcho | LocalMode::kEchoe |
                            LocalMode::kEchok | LocalMode::kIexten;
    // EOF EOL EOL2 ERASE WERASE KILL REPRINT SWTC INTR QUIT SUSP - START STOP LNEXT DISCARD MIN TIME
    std::uint8_t c_cc[32] = {004, 0, 0, 0177, 027, 025, 022, 0, 003, 034, 032, 0, 021, 023, 026, 017, 1, 0};
};
static_assert(sizeof(Termios) == 48);

struct Winsize {
    std::uint16_t ws_row = 0;
    std::uint16_t ws_col = 0;
};
static_assert(sizeof(Winsize) == 4);

}  // namespace halfcell::abi
