#pragma once

// Where the shell's lines come from.

#include <optional>
#include <string>
#include <string_view>

#include "userland/rt/syscall.h"
#include "userland/sh/edited_input.h"
#include "userland/sh/source.h"

namespace halfcell::userland::sh {

class Shell;

// A script that nobody else reads: in pieces as large as one likes. Owns the descriptor.
class FileInput final : public LineInput {
  public:
    explicit FileInput(UniqueFd file) : file_(std::move(file)) {}
    bool next_line(std::string& text, bool continued) override;

  private:
    UniqueFd file_;
    std::string buffer_;
    std::size_t at_ = 0;
    bool ended_ = false;
};

// Standard input, which the commands read too: not a byte is taken beyond the line. Prompts where the shell
// is interactive, and lets lines be edited where that is on a terminal. An interrupt ends the input with
// interrupted() set.
class StandardInput final : public LineInput {
  public:
    StandardInput(Shell& shell, bool prompts);
    bool next_line(std::string& text, bool continued) override;
    bool interrupted() const override { return interrupted_; }

  private:
    Result<void> read_line(bool continued);
    void forget_line();

    Shell& shell_;
    bool prompts_;
    std::optional<EditedInput> editor_;  // where there is a terminal that can do what it needs
    std::string line_;
    bool interrupted_ = false;
};

// Opens a script for reading, out of the way of the numbers that scripts use.
Result<UniqueFd> open_script(std::string_view path);

// A read that a trapped signal or an interrupt ends (EINTR), also where its handler has run just before.
Result<std::size_t> read_unless_signalled(Fd fd, std::span<char> buffer);

// Appends what is left of a line, with its newline; at the end of input what there is. EINTR where a trapped
// signal or an interrupt has come and nobody has taken notice yet; `line` has what was read until then.
Result<void> read_line_exactly(Fd fd, std::string& line);

}  // namespace halfcell::userland::sh
