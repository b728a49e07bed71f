#include "kernel_shim/control/line_editor.h"

#include <histedit.h>

#include <cstdio>
#include <cwchar>
#include <string_view>
#include <utility>
#include <vector>

#include "kernel_shim/control/command.h"

namespace halfcell::control {

namespace {

constexpr int kHistorySize = 200;

char* prompt(EditLine*) {
    static char text[] = "; ";
    return text;
}

// What all of these begin with.
std::string common_beginning(const std::vector<std::string_view>& names) {
    std::string_view common = names.front();
    for (const std::string_view name : names) {
        std::size_t same = 0;
        while (same < common.size() && same < name.size() && common[same] == name[same])
            ++same;
        common = common.substr(0, same);
    }
    return std::string(common);
}

// Completes the first word; a second Tab's worth of choice is shown at once.
unsigned char complete(EditLine* editor, wint_t) {
    const LineInfo* const line = el_line(editor);
    const std::string_view typed(line->buffer, static_cast<std::size_t>(line->cursor - line->buffer));
    if (typed.find(' ') != std::string_view::npos) return CC_ERROR;
    std::vector<std::string_view> names;
    for (const CommandRow& row : command_rows())
        if (row.name.starts_with(typed)) names.push_back(row.name);
    if (names.empty()) return CC_ERROR;
    std::string rest = common_beginning(names).substr(typed.size());
    if (names.size() == 1) rest += ' ';
    if (!rest.empty()) return el_insertstr(editor, rest.c_str()) == 0 ? CC_REFRESH : CC_ERROR;
    std::fputc('\n', stdout);
    for (const std::string_view name : names)
        std::printf("%.*s  ", static_cast<int>(name.size()), name.data());
    std::fputc('\n', stdout);
    return CC_REDISPLAY;
}

}  // namespace

struct LineEditor::Library {
    EditLine* editor = nullptr;
    History* history = nullptr;
    HistEvent event{};

    Library() = default;
    Library(const Library&) = delete;
    Library& operator=(const Library&) = delete;
    ~Library() {
        if (editor != nullptr) el_end(editor);
        if (history != nullptr) history_end(history);
    }
};

LineEditor::LineEditor(std::unique_ptr<Library> library) : library_(std::move(library)) {}
LineEditor::~LineEditor() = default;

std::unique_ptr<LineEditor> LineEditor::create() {
    auto library = std::make_unique<Library>();
    library->editor = el_init("halfcell", stdin, stdout, stderr);
    library->history = history_init();
    if (library->editor == nullptr || library->history == nullptr) return nullptr;
    history(library->history, &library->event, H_SETSIZE, kHistorySize);
    el_set(library->editor, EL_PROMPT, prompt);
    el_set(library->editor, EL_EDITOR, "emacs");
    el_set(library->editor, EL_HIST, history, library->history);
    el_set(library->editor, EL_SIGNAL, 1);
    // Wide, since libedit would never free its own wide copies of narrow ones.
    el_wset(library->editor, EL_ADDFN, L"halfcell-complete", L"complete the command", complete);
    el_set(library->editor, EL_BIND, "^I", "halfcell-complete", nullptr);
    el_source(library->editor, nullptr);
    return std::unique_ptr<LineEditor>(new LineEditor(std::move(library)));
}

std::optional<std::string> LineEditor::next() {
    int count = 0;
    const char* const line = el_gets(library_->editor, &count);
    if (line == nullptr || count <= 0) return std::nullopt;
    std::string text(line, static_cast<std::size_t>(count));
    if (text.find_first_not_of(" \t\n") != std::string::npos)
        history(library_->history, &library_->event, H_ENTER, text.c_str());
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r'))
        text.pop_back();
    return text;
}

}  // namespace halfcell::control
