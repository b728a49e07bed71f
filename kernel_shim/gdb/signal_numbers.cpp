#include "kernel_shim/gdb/signal_numbers.h"

#include "abi/sigabi.h"

namespace halfcell::gdb {

namespace {

using abi::Signal;

struct Row {
    std::uint32_t redox;
    std::uint32_t gdb;
};
constexpr Row kRows[] = {
    {Signal::kHup, 1},
    {Signal::kInt, 2},
    {Signal::kQuit, 3},
    {Signal::kIll, 4},
    {Signal::kTrap, 5},
    {Signal::kAbrt, 6},
    {Signal::kFpe, 8},
    {Signal::kKill, 9},
    {Signal::kBus, 10},
    {Signal::kSegv, 11},
    {Signal::kSys, 12},
    {Signal::kPipe, 13},
    {Signal::kAlrm, 14},
    {Signal::kTerm, 15},
    {Signal::kUrg, 16},
    {Signal::kStop, 17},
    {Signal::kTstp, 18},
    {Signal::kCont, 19},
    {Signal::kChld, 20},
    {Signal::kTtin, 21},
    {Signal::kTtou, 22},
    {Signal::kIo, 23},
    {Signal::kXcpu, 24},
    {Signal::kXfsz, 25},
    {Signal::kVtalrm, 26},
    {Signal::kProf, 27},
    {Signal::kWinch, 28},
    {Signal::kUsr1, 30},
    {Signal::kUsr2, 31},
    {Signal::kPwr, 32},
    {32, 77},
    {64, 78},
};
// SIG33 to SIG63 are gdb's 45 to 75.
constexpr std::uint32_t kFirstRealTime = 33;
constexpr std::uint32_t kLastRealTime = 63;
constexpr std::uint32_t kGdbFirstRealTime = 45;

}  // namespace

std::uint32_t to_gdb_signal(std::uint32_t signal) {
    if (signal == 0) return 0;
    for (const Row& row : kRows)
        if (row.redox == signal) return row.gdb;
    if (signal >= kFirstRealTime && signal <= kLastRealTime)
        return signal - kFirstRealTime + kGdbFirstRealTime;
    return kUnknownSignal;
}

std::uint32_t from_gdb_signal(std::uint32_t number) {
    for (const Row& row : kRows)
        if (row.gdb == number) return row.redox;
    if (number >= kGdbFirstRealTime && number <= kGdbFirstRealTime + (kLastRealTime - kFirstRealTime))
        return number - kGdbFirstRealTime + kFirstRealTime;
    return 0;
}

}  // namespace halfcell::gdb
