// cat: writes files one after another.

#include "userland/lib/tool.h"
#include "userland/rt/file.h"
#include "userland/rt/input.h"

namespace halfcell::userland {
namespace {

constexpr Option kOptions[] = {
    {'A', "show-all", Value::kNone, "", "same as -vET"},
    {'b', "number-nonblank", Value::kNone, "", "number the lines that are not empty"},
    {'e', "", Value::kNone, "", "same as -vE"},
    {'E', "show-ends", Value::kNone, "", "show $ at the end of each line"},
    {'n', "number", Value::kNone, "", "number all lines"},
    {'s', "squeeze-blank", Value::kNone, "", "show one empty line where there are more"},
    {'t', "", Value::kNone, "", "same as -vT"},
    {'T', "show-tabs", Value::kNone, "", "show tabs as ^I"},
    {'u', "", Value::kNone, "", "ignored: output is never held back"},
    {'v', "show-nonprinting", Value::kNone, "", "show control characters as ^X and M-X"},
};
constexpr Usage kUsage{"cat", "[OPTION]... [FILE]...",
                       "Writes the files to standard output. No FILE, or -, is standard input.", kOptions};

struct Style {
    bool number = false;
    bool number_nonblank = false;
    bool ends = false;
    bool squeeze = false;
    bool tabs = false;
    bool nonprinting = false;
    bool plain() const { return !number && !number_nonblank && !ends && !squeeze && !tabs && !nonprinting; }
};

class Formatter {
  public:
    explicit Formatter(const Style& style) : style_(style) {}

    void write(std::string_view text) {
        for (const char c : text) {
            if (at_line_start_ && !begin_line(c)) continue;
            write_byte(static_cast<unsigned char>(c));
        }
    }

  private:
    // Decides about a line when its first byte is known; false where the line is squeezed away.
    bool begin_line(char first) {
        const bool empty = first == '\n';
        if (empty && style_.squeeze && previous_empty_) return false;
        previous_empty_ = empty;
        at_line_start_ = false;
        if (style_.number_nonblank ? !empty : style_.number) {
            const std::string number = concat(++line_);
            out().print(std::string(number.size() < 6 ? 6 - number.size() : 0, ' '), number, '\t');
        }
        return true;
    }

    void write_byte(unsigned char c) {
        if (c == '\n') {
            if (style_.ends) out().put('$');
            out().put('\n');
            at_line_start_ = true;
            return;
        }
        if (c == '\t') {
            out().write(style_.tabs ? std::string_view("^I") : std::string_view("\t"));
            return;
        }
        if (style_.nonprinting) {
            if (c >= 128) {
                out().write("M-");
                c = static_cast<unsigned char>(c - 128);
            }
            if (c < 32 || c == 127) {
                out().put('^');
                c = static_cast<unsigned char>(c ^ 64);
            }
        }
        out().put(static_cast<char>(c));
    }

    Style style_;
    std::uint64_t line_ = 0;
    bool at_line_start_ = true;
    bool previous_empty_ = false;
};

Style read_style(const CommandLine& line) {
    Style style;
    for (const GivenOption& option : line.options) {
        const char id = static_cast<char>(option.id);
        if (id == 'A' || id == 'e' || id == 't' || id == 'v') style.nonprinting = true;
        if (id == 'A' || id == 'e' || id == 'E') style.ends = true;
        if (id == 'A' || id == 't' || id == 'T') style.tabs = true;
        if (id == 'n') style.number = true;
        if (id == 'b') style.number_nonblank = true;
        if (id == 's') style.squeeze = true;
    }
    return style;
}

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    const CommandLine line = parse_or_exit(kUsage, arguments);
    const Style style = read_style(line);
    Formatter formatter(style);
    for (const std::string_view path : files_or_stdin(line)) {
        UniqueFd file;
        if (!open_input(path, file)) continue;
        for (;;) {
            const Result<std::size_t> count = read_some(file.fd(), transfer_buffer());
            if (!count) {
                complain_about(path, count.error());
                break;
            }
            if (*count == 0) break;
            const std::string_view text = as_text(transfer_buffer().first(*count));
            if (style.plain()) {
                out().write(text);
            } else {
                formatter.write(text);
            }
            // What has been read is shown at once, whoever writes slowly at the other end.
            if (*count < transfer_buffer().size()) out().flush();
        }
    }
    return tool_status();
}

}  // namespace halfcell::userland
