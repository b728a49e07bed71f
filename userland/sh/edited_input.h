#pragma once

// Lines from a user at a terminal: the line editor, and the terminal in the mode it needs.

#include <string>
#include <string_view>

#include "userland/rt/result.h"
#include "userland/sh/line_editor.h"

namespace halfcell::userland::sh {

class EditedInput {
  public:
    explicit EditedInput(Directories& directories) : editor_(directories) {}

    // Shows the prompt on standard error and reads a line from standard input, with its newline; nothing at
    // the end of input. EINTR as read_line_exactly, with what was typed kept for the next time. While it
    // runs, the terminal passes every key on but those that are signals. Blocks.
    Result<std::string> read_line(std::string_view prompt);
    void forget_line() { editor_.forget_line(); }
    [[nodiscard]] const std::vector<std::string>& history() const { return editor_.history(); }

  private:
    Result<LineEditor::Outcome> edit(std::string_view prompt);

    LineEditor editor_;
};

}  // namespace halfcell::userland::sh
