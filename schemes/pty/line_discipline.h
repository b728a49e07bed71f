#pragma once

// What stands between the two sides of a terminal: editing and echo of what is typed, the keys that are
// signals, line ends of what is printed, and when a read is satisfied. Pure: no locks, no clock, no waiting.
// Source: base:ptyd/src/pty.rs; where it differs is listed in schemes/README.md.

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "abi/termios.h"

namespace halfcell::schemes {

class LineDiscipline {
  public:
    // Nanoseconds of a monotonic clock.
    using Time = std::uint64_t;

    // Writers of either side wait while this many packets have not been read.
    static constexpr std::size_t kMostPackets = 64;
    // Bytes of a line nobody has ended. More are ignored in canonical mode, held back otherwise.
    static constexpr std::size_t kLongestLine = 65536;
    // Packets beyond which nothing is echoed any more.
    static constexpr std::size_t kMostEchoes = 4096;

    // First byte of what the master reads: output follows / the slave has called fsync.
    static constexpr char kData = 0;
    static constexpr char kSynced = 1;

    [[nodiscard]] const abi::Termios& settings() const { return settings_; }
    // New settings hold from the next byte on; update() makes them count for what has been typed already.
    void set_settings(const abi::Termios& settings) { settings_ = settings; }

    // Takes what came from the keyboard and returns the signals it stands for, in order.
    std::vector<std::uint32_t> type(std::string_view bytes, Time now);
    // The signal that one key stands for now, if any.
    [[nodiscard]] std::optional<std::uint32_t> signal_of_key(char key) const;
    // Throws away what was typed and not read.
    void flush_input();

    // Adds one packet of output (an empty one for no bytes) / a mark that the slave has synced.
    void print(std::string_view bytes);
    void mark_synced() { output_.emplace_back(1, kSynced); }

    // Outside canonical mode: whether what was typed satisfies a read (VMIN, VTIME), which may begin or end
    // the time a read is given. Ask before a read, and when deadline() has come.
    void update(Time now);
    // The same for somebody who only wants to hear when a read would not wait: where reads never wait
    // (VMIN = VTIME = 0), that is told ten times in a second.
    void update_for_watcher(Time now);
    // When update() will change something by itself.
    [[nodiscard]] std::optional<Time> deadline() const;

    // --- packets for the slave; an empty one is an end of file.
    [[nodiscard]] bool has_input() const { return !input_.empty(); }
    [[nodiscard]] bool accepts_input() const;
    std::string take_input() { return take(input_); }
    // What a reader had no room for comes first again.
    void return_input(std::string rest) { input_.push_front(std::move(rest)); }

    // --- packets for the master, with their first byte.
    [[nodiscard]] bool has_output() const { return !output_.empty(); }
    [[nodiscard]] bool accepts_output() const { return output_.size() < kMostPackets; }
    // For what does not wait for room: echo, and marks.
    [[nodiscard]] bool accepts_echo() const { return output_.size() < kMostEchoes; }
    std::string take_output() { return take(output_); }
    void return_output(std::string rest) { output_.push_front(std::move(rest)); }

  private:
    using Packets = std::deque<std::string>;
    static std::string take(Packets& packets);

    [[nodiscard]] bool local(std::uint32_t bits) const { return (settings_.c_lflag & bits) != 0; }
    [[nodiscard]] bool input_mode(std::uint32_t bits) const { return (settings_.c_iflag & bits) != 0; }
    [[nodiscard]] bool is(char byte, unsigned index) const;
    [[nodiscard]] char translated(char byte) const;
    [[nodiscard]] Time read_time() const;

    // Each looks at one byte and returns whether it was theirs.
    bool edit(char byte);
    bool ignore(char byte) const;
    void add(char byte, Time now);

    void echo(std::string_view bytes);
    bool erase_one();
    void erase_word();
    void erase_line();
    void end_line();

    abi::Termios settings_;
    std::string line_;  // typed, not yet a packet
    Packets input_;
    Packets output_;
    // When the last byte came, or when a reader began to wait.
    std::optional<Time> timer_;
};

}  // namespace halfcell::schemes
