#pragma once

// A line that is typed on a terminal: keys that move and change it, lines typed before, what the terminal has
// to show. Pure; tested on the host.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "userland/sh/pathname.h"

namespace halfcell::userland::sh {

class LineEditor {
  public:
    // `directories`: for Tab.
    explicit LineEditor(Directories& directories) : directories_(directories) {}

    // Shows a prompt and what has been typed of the line. The prompt may have several lines and escape
    // sequences; `columns` is the terminal's width. The line is shown in one row and scrolls in it.
    void begin(std::string_view prompt, std::size_t columns);

    enum class Outcome : std::uint8_t { kMore, kLine, kEnd };
    // Takes a byte that was typed. kLine: take_line() has it all. kEnd: ^D on an empty line.
    Outcome type(char byte);

    // The line, which is remembered; the next one is empty.
    std::string take_line();
    // The lines that are remembered, the oldest first.
    [[nodiscard]] const std::vector<std::string>& history() const { return history_; }
    // The line is given up.
    void forget_line();

    // What the terminal is to show next; taking it forgets it.
    std::string take_output() { return std::exchange(output_, {}); }

  private:
    enum class Escape : std::uint8_t { kNone, kBegun, kSequence };

    void control(char byte);
    void end_sequence(char final);
    void insert(std::string_view text);
    void erase(std::size_t from, std::size_t to);
    void move(std::size_t to);
    void recall(std::size_t index);
    void complete();
    std::size_t before(std::size_t at) const;
    std::size_t behind(std::size_t at) const;
    std::size_t word_begin() const;
    void show();

    Directories& directories_;
    std::string prompt_;  // its last line
    std::string whole_prompt_;
    std::size_t prompt_width_ = 0;
    std::size_t columns_ = 80;
    std::string line_;
    std::size_t cursor_ = 0;  // into line_, never inside a character
    std::vector<std::string> history_;
    // The remembered line that is shown, or history_.size() for the new one, which is kept meanwhile.
    std::size_t recalled_ = 0;
    std::string new_line_;
    Escape escape_ = Escape::kNone;
    std::string parameters_;  // of an escape sequence
    std::string output_;
};

}  // namespace halfcell::userland::sh
