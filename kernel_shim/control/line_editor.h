#pragma once

// Lines typed at a terminal, with editing, history and completion. The only user of libedit.

#include <memory>
#include <optional>
#include <string>

namespace halfcell::control {

class LineEditor {
  public:
    // For standard input and output; null where libedit cannot use the terminal. Completes the names of
    // commands.
    static std::unique_ptr<LineEditor> create();
    ~LineEditor();
    LineEditor(const LineEditor&) = delete;
    LineEditor& operator=(const LineEditor&) = delete;

    // The next line without its end, remembered for the arrow keys; nullopt at the end. Blocks.
    std::optional<std::string> next();

  private:
    struct Library;
    explicit LineEditor(std::unique_ptr<Library> library);
    std::unique_ptr<Library> library_;
};

}  // namespace halfcell::control
