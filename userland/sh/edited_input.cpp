#include "userland/sh/edited_input.h"

#include <optional>

#include "abi/termios.h"
#include "userland/rt/output.h"
#include "userland/sh/line_input.h"

namespace halfcell::userland::sh {
namespace {

template <typename T>
std::optional<T> setting(std::string_view name) {
    const Result<Fd> opened = sys_dup(Fd::kStdin, name);
    if (!opened) return {};
    const UniqueFd handle(*opened);
    T value{};
    const Result<std::size_t> size = sys_read(handle.fd(), std::as_writable_bytes(std::span(&value, 1)));
    if (!size || *size != sizeof(value)) return {};
    return value;
}

void set_modes(const abi::Termios& modes) {
    const Result<Fd> opened = sys_dup(Fd::kStdin, "termios");
    if (!opened) return;
    const UniqueFd handle(*opened);
    (void)sys_write(handle.fd(), std::as_bytes(std::span(&modes, 1)));
}

std::size_t terminal_width() {
    constexpr std::size_t kUsual = 80;
    const auto size = setting<abi::Winsize>("winsize");
    return size && size->ws_col > 0 ? size->ws_col : kUsual;
}

// While one lives, keys come one by one and are not shown. Then the terminal is as it was.
class KeyByKey {
  public:
    KeyByKey() : before_(setting<abi::Termios>("termios")) {
        if (!before_) return;
        abi::Termios modes = *before_;
        modes.c_lflag &= ~(abi::LocalMode::kIcanon | abi::LocalMode::kEcho | abi::LocalMode::kIexten);
        modes.c_cc[abi::ControlCharacter::kMin] = 1;
        modes.c_cc[abi::ControlCharacter::kTime] = 0;
        set_modes(modes);
    }
    ~KeyByKey() {
        if (before_) set_modes(*before_);
    }
    KeyByKey(const KeyByKey&) = delete;
    KeyByKey& operator=(const KeyByKey&) = delete;

  private:
    std::optional<abi::Termios> before_;
};

}  // namespace

Result<LineEditor::Outcome> EditedInput::edit(std::string_view prompt) {
    // Before the prompt: what is typed behind it is shown once, by the editor.
    const KeyByKey keys;
    editor_.begin(prompt, terminal_width());
    for (;;) {
        (void)write_all(Fd::kStderr, editor_.take_output());
        char byte = 0;
        const std::size_t count = RT_TRY(read_unless_signalled(Fd::kStdin, std::span(&byte, 1)));
        if (count == 0) return LineEditor::Outcome::kEnd;
        const LineEditor::Outcome outcome = editor_.type(byte);
        if (outcome != LineEditor::Outcome::kMore) return outcome;
    }
}

Result<std::string> EditedInput::read_line(std::string_view prompt) {
    const LineEditor::Outcome outcome = RT_TRY(edit(prompt));
    // The end of the line shows that the terminal is as it was again.
    (void)write_all(Fd::kStderr, editor_.take_output());
    return outcome == LineEditor::Outcome::kLine ? editor_.take_line() + "\n" : std::string();
}

}  // namespace halfcell::userland::sh
