#include "schemes/pty/line_discipline.h"

#include <utility>

#include "abi/proc_call.h"
#include "abi/sigabi.h"

namespace halfcell::schemes {

namespace {

using Cc = abi::ControlCharacter;
using abi::InputMode;
using abi::LocalMode;
using abi::OutputMode;
using abi::Signal;

// The unit of VTIME.
constexpr LineDiscipline::Time kTenth = 100'000'000;

constexpr std::string_view kRubOut = "\b \b";

}  // namespace

std::string LineDiscipline::take(Packets& packets) {
    std::string packet = std::move(packets.front());
    packets.pop_front();
    return packet;
}

bool LineDiscipline::is(char byte, unsigned index) const {
    return byte != 0 && static_cast<std::uint8_t>(byte) == settings_.c_cc[index];
}

// A carriage return that is ignored becomes NUL, which no terminal passes on.
char LineDiscipline::translated(char byte) const {
    if (byte == '\n') return input_mode(InputMode::kInlcr) ? '\r' : '\n';
    if (byte != '\r') return byte;
    if (input_mode(InputMode::kIgncr)) return 0;
    return input_mode(InputMode::kIcrnl) ? '\n' : '\r';
}

std::vector<std::uint32_t> LineDiscipline::type(std::string_view bytes, Time now) {
    std::vector<std::uint32_t> signals;
    for (const char typed : bytes) {
        const char byte = translated(typed);
        if (local(LocalMode::kIcanon) && edit(byte)) continue;
        if (const auto signal = signal_of_key(byte)) {
            signals.push_back(*signal);
            if (!local(LocalMode::kNoflsh)) flush_input();
            continue;
        }
        if (byte != 0 && !ignore(byte)) add(byte, now);
    }
    update(now);
    return signals;
}

bool LineDiscipline::edit(char byte) {
    if (byte == '\n') {
        if (local(LocalMode::kEcho | LocalMode::kEchonl)) echo("\n");
        line_ += byte;
        end_line();
        return true;
    }
    if (is(byte, Cc::kEof)) {
        end_line();
        return true;
    }
    if (is(byte, Cc::kEol) || is(byte, Cc::kEol2)) {
        if (local(LocalMode::kEcho)) echo({&byte, 1});
        line_ += byte;
        end_line();
        return true;
    }
    if (is(byte, Cc::kErase)) {
        erase_one();
        return true;
    }
    if (is(byte, Cc::kKill)) {
        erase_line();
        return true;
    }
    if (!local(LocalMode::kIexten)) return false;
    if (is(byte, Cc::kWerase)) {
        erase_word();
        return true;
    }
    return is(byte, Cc::kReprint);
}

std::optional<std::uint32_t> LineDiscipline::signal_of_key(char key) const {
    if (!local(LocalMode::kIsig)) return std::nullopt;
    if (is(key, Cc::kIntr)) return Signal::kInt;
    if (is(key, Cc::kQuit)) return Signal::kQuit;
    if (is(key, Cc::kSusp)) return Signal::kTstp;
    return std::nullopt;
}

// Keys that a terminal knows and that mean nothing on this one.
bool LineDiscipline::ignore(char byte) const {
    if (input_mode(InputMode::kIxon) && (is(byte, Cc::kStart) || is(byte, Cc::kStop))) return true;
    return local(LocalMode::kIexten) && (is(byte, Cc::kLnext) || is(byte, Cc::kDiscard));
}

void LineDiscipline::add(char byte, Time now) {
    if (local(LocalMode::kIcanon) && line_.size() >= kLongestLine) return;
    if (local(LocalMode::kEcho)) echo({&byte, 1});
    timer_ = now;
    line_ += byte;
}

void LineDiscipline::flush_input() {
    line_.clear();
    input_.clear();
}

void LineDiscipline::end_line() {
    input_.push_back(std::exchange(line_, {}));
}

bool LineDiscipline::erase_one() {
    if (line_.empty()) return false;
    line_.pop_back();
    if (local(LocalMode::kEchoe)) echo(kRubOut);
    return true;
}

void LineDiscipline::erase_word() {
    const auto blank = [this] { return line_.back() == ' ' || line_.back() == '\t'; };
    while (!line_.empty() && blank())
        erase_one();
    while (!line_.empty() && !blank())
        erase_one();
}

void LineDiscipline::erase_line() {
    if (!local(LocalMode::kEchoe) && local(LocalMode::kEchok)) echo("\n");
    while (erase_one()) {
    }
}

void LineDiscipline::echo(std::string_view bytes) {
    if (accepts_echo()) print(bytes);
}

void LineDiscipline::print(std::string_view bytes) {
    constexpr std::uint32_t kLineEnds = OutputMode::kOpost | OutputMode::kOnlcr;
    const bool line_ends = (settings_.c_oflag & kLineEnds) == kLineEnds;
    std::string packet(1, kData);
    packet.reserve(bytes.size() + 2);
    for (const char byte : bytes) {
        if (line_ends && byte == '\n') packet += '\r';
        packet += byte;
    }
    output_.push_back(std::move(packet));
}

bool LineDiscipline::accepts_input() const {
    return input_.size() < kMostPackets && (local(LocalMode::kIcanon) || line_.size() < kLongestLine);
}

LineDiscipline::Time LineDiscipline::read_time() const {
    return settings_.c_cc[Cc::kTime] * kTenth;
}

// The four cases of POSIX, as ptyd has them.
void LineDiscipline::update(Time now) {
    if (local(LocalMode::kIcanon)) return;
    const std::size_t least = settings_.c_cc[Cc::kMin];
    if (least > 0 && line_.size() >= least) return end_line();
    if (read_time() == 0) {
        if (least > 0) return;
        timer_.reset();
        if (input_.empty()) end_line();
        return;
    }
    if (least == 0 && !line_.empty()) return end_line();
    if (least == 0 && !timer_) timer_ = now;
    if (least > 0 && line_.empty()) return;
    if (!timer_ || now < *timer_ + read_time()) return;
    timer_.reset();
    if (least > 0 || input_.empty()) end_line();
}

void LineDiscipline::update_for_watcher(Time now) {
    const bool never_waits = !local(LocalMode::kIcanon) && settings_.c_cc[Cc::kMin] == 0 && read_time() == 0;
    if (!input_.empty()) return;
    if (!never_waits) return update(now);
    if (!timer_) timer_ = now;
}

std::optional<LineDiscipline::Time> LineDiscipline::deadline() const {
    if (local(LocalMode::kIcanon) || !timer_) return std::nullopt;
    const bool at_least_one = settings_.c_cc[Cc::kMin] > 0;
    if (at_least_one && (line_.empty() || read_time() == 0)) return std::nullopt;
    return *timer_ + (read_time() == 0 ? kTenth : read_time());
}

}  // namespace halfcell::schemes
