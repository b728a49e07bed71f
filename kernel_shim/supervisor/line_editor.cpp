#include "kernel_shim/supervisor/line_editor.h"

#include <histedit.h>

#include <cstdio>

namespace halfcell::supervisor {

struct LineEditor::State {
    std::string prompt;
    EditLine* editor = nullptr;
    History* history = nullptr;
};

LineEditor::LineEditor(std::string prompt) : state_(std::make_unique<State>()) {
    constexpr int kRemembered = 500;
    state_->prompt = std::move(prompt);
    state_->editor = ::el_init("halfcell", stdin, stdout, stderr);
    state_->history = ::history_init();
    HistEvent event;
    ::history(state_->history, &event, H_SETSIZE, kRemembered);
    ::el_set(state_->editor, EL_CLIENTDATA, state_.get());
    // libedit asks for the prompt by a callback that only gets the editor.
    using PromptCallback = char* (*)(EditLine*);
    const PromptCallback prompt_text = [](EditLine* editor) {
        State* state = nullptr;
        ::el_get(editor, EL_CLIENTDATA, &state);
        return state->prompt.data();
    };
    ::el_set(state_->editor, EL_PROMPT, prompt_text);
    ::el_set(state_->editor, EL_EDITOR, "emacs");
    ::el_set(state_->editor, EL_SIGNAL, 1);
    ::el_set(state_->editor, EL_HIST, ::history, state_->history);
}

LineEditor::~LineEditor() {
    ::el_end(state_->editor);
    ::history_end(state_->history);
}

std::optional<std::string> LineEditor::next() {
    int length = 0;
    const char* const text = ::el_gets(state_->editor, &length);
    if (text == nullptr || length <= 0) return std::nullopt;
    HistEvent event;
    ::history(state_->history, &event, H_ENTER, text);
    std::string line(text, static_cast<std::size_t>(length));
    while (!line.empty() && (line.back() == '\n' || line.back() == '\r'))
        line.pop_back();
    return line;
}

}  // namespace halfcell::supervisor
