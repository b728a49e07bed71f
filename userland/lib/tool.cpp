#include "userland/lib/tool.h"

#include "userland/rt/file.h"
#include "userland/rt/input.h"

namespace halfcell::userland {
namespace {

constinit const Usage* current = nullptr;
constinit int status = 0;

constexpr std::string_view kStandardInput[] = {"-"};

}  // namespace

void set_tool(const Usage& usage) {
    current = &usage;
}

CommandLine parse_or_exit(const Usage& usage, std::span<const std::string_view> arguments) {
    set_tool(usage);
    CommandLine line = parse_command_line(usage, arguments);
    if (line.help) {
        out().write(help_text(usage));
        exit_program(0);
    }
    if (!line.error.empty()) usage_error(line.error);
    return line;
}

void usage_error(std::string_view message) {
    complain_text(message);
    err().print("Usage: ", current->name, ' ', current->synopsis, "\nTry '", current->name,
                " --help' for more information.\n");
    exit_program(current->failure_status);
}

void check_operand_count(const CommandLine& line, std::size_t least, std::size_t most) {
    if (line.operands.size() < least) {
        if (line.operands.empty()) usage_error("missing operand");
        usage_error(concat("missing operand after '", line.operands.back(), "'"));
    }
    if (line.operands.size() > most) usage_error(concat("extra operand '", line.operands[most], "'"));
}

void complain_text(std::string_view message) {
    out().flush();
    err().print(current->name, ": ", message, '\n');
    if (status == 0) status = 1;
}

void complain_about(std::string_view path, Errno error) {
    complain(path, ": ", error_sentence(error));
}

std::string_view error_sentence(Errno error) {
    const char* text = abi::errno_text(error);
    return text != nullptr ? std::string_view(text) : std::string_view("Unknown error");
}

int tool_status() {
    return status;
}
void set_tool_status(int value) {
    status = value;
}

std::span<const std::string_view> files_or_stdin(const CommandLine& line) {
    if (line.operands.empty()) return kStandardInput;
    return line.operands;
}

bool open_input(std::string_view path, UniqueFd& file, Complaint complaint) {
    if (path == "-") {
        // Descriptor 0 itself: what is left unread stays for whoever reads it next.
        file = UniqueFd(Fd::kStdin);
        return true;
    }
    Result<UniqueFd> opened = open_file(path, abi::OpenFlags::kRdonly | abi::OpenFlags::kCloexec);
    if (!opened) {
        if (complaint == Complaint::kShort) {
            complain_about(path, opened.error());
        } else {
            complain("cannot open ", quoted(path), " for reading: ", error_sentence(opened.error()));
        }
        return false;
    }
    file = std::move(*opened);
    return true;
}

std::string quoted(std::string_view path) {
    if (path.find('\'') != std::string_view::npos) return concat('"', path, '"');
    return concat('\'', path, '\'');
}

bool confirmed(std::string_view question) {
    out().flush();
    err().print(current->name, ": ", question);
    err().flush();
    bool yes = false;
    bool first = true;
    for (;;) {
        std::byte byte{};
        const Result<std::size_t> count = read_some(Fd::kStdin, std::span(&byte, 1));
        if (!count || *count == 0 || byte == std::byte{'\n'}) return yes;
        if (first) yes = byte == std::byte{'y'} || byte == std::byte{'Y'};
        first = false;
    }
}

}  // namespace halfcell::userland
