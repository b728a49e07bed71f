#pragma once

// The text a shell program comes from, one character after another. Pure; tested on the host.

#include <cstddef>
#include <string>
#include <string_view>

namespace halfcell::userland::sh {

// Where lines come from: a file, a terminal, a string.
class LineInput {
  public:
    virtual ~LineInput() = default;
    // Appends the next line with its newline; false at the end of input. `continued` tells that a command has
    // been begun and not ended, which a terminal shows with its second prompt. May block.
    virtual bool next_line(std::string& text, bool continued) = 0;
    // Whether it is certain that no line is left; may be false before an end nobody has seen yet.
    virtual bool exhausted() const { return false; }
    // Whether the end was an interrupt's doing: what was begun is given up, and there may be more.
    virtual bool interrupted() const { return false; }
};

// A whole program in memory.
class StringInput final : public LineInput {
  public:
    explicit StringInput(std::string_view text) : rest_(text) {}
    bool next_line(std::string& text, bool continued) override;
    bool exhausted() const override { return rest_.empty(); }

  private:
    std::string_view rest_;
};

// Characters with one rule applied: a backslash in front of a newline is no character at all, and neither is
// the newline. Lines are asked for when they are needed and not before.
class Source {
  public:
    static constexpr int kEnd = -1;

    explicit Source(LineInput& input, int line = 1) : input_(input), line_(line) {}

    // The next character without and with taking it; kEnd at the end of input.
    int peek();
    int take();
    // Takes the next character where it is `wanted`.
    bool accept(char wanted);
    // The character behind the next one.
    int peek_second();

    // The same without joining lines.
    int peek_raw();
    int take_raw();

    // One line as it is, without its newline; false at the end of input.
    bool take_line(std::string& line);

    // Forgets the text before this point; what follows begins a new command.
    void begin_command();
    // Forgets the rest of the line: after a mistake on a terminal.
    void discard_line();

    // A point to return to, or to take the text from; valid until begin_command.
    struct Mark {
        std::size_t at;
        int line;
    };
    Mark mark() const { return {at_, line_}; }
    void reset(Mark mark) {
        at_ = mark.at;
        line_ = mark.line;
    }
    std::string_view text_between(Mark begin, Mark end) const {
        return std::string_view(text_).substr(begin.at, end.at - begin.at);
    }

    int line() const { return line_; }

  private:
    // Makes text_[at] exist.
    bool available(std::size_t at);
    void skip_joined_lines();

    LineInput& input_;
    std::string text_;
    std::size_t at_ = 0;
    int line_;
    bool begun_ = false;
    bool ended_ = false;
};

}  // namespace halfcell::userland::sh
