#pragma once

// A prompt with editing and history. The only user of libedit.

#include <memory>
#include <optional>
#include <string>

namespace halfcell::supervisor {

class LineEditor {
  public:
    explicit LineEditor(std::string prompt);
    ~LineEditor();
    LineEditor(const LineEditor&) = delete;
    LineEditor& operator=(const LineEditor&) = delete;

    // The next line without its end, or nullopt at end of input. Blocks.
    std::optional<std::string> next();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace halfcell::supervisor
