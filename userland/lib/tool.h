#pragma once

// What every tool does alike: its command line, its messages, its exit status.

#include <span>
#include <string_view>

#include "userland/lib/arguments.h"
#include "userland/rt/output.h"
#include "userland/rt/process.h"
#include "userland/rt/result.h"

namespace halfcell::userland {

// Parses the command line. --help prints the help and ends the program with 0; a mistake prints what is wrong
// and the usage line and ends it with usage.failure_status. Must be called before the other functions here.
CommandLine parse_or_exit(const Usage& usage, std::span<const std::string_view> arguments);

// Names the program in messages where it does not parse its command line by parse_or_exit.
void set_tool(const Usage& usage);

// Ends the program because of a mistake on its command line: "NAME: MESSAGE", the usage line, failure_status.
[[noreturn]] void usage_error(std::string_view message);

// "missing operand" for fewer than `least` operands, "extra operand" for more than `most`.
void check_operand_count(const CommandLine& line, std::size_t least, std::size_t most = ~std::size_t{0});

// "NAME: MESSAGE" on standard error, after what standard output has so far.
void complain_text(std::string_view message);

// "NAME: " and the parts; the program's status becomes 1 where it was 0.
template <typename... Parts>
void complain(const Parts&... parts) {
    complain_text(concat(parts...));
}

// "NAME: PATH: No such file or directory".
void complain_about(std::string_view path, Errno error);

// As complain, then ends the program with `status`.
template <typename... Parts>
[[noreturn]] void give_up(int status, const Parts&... parts) {
    complain_text(concat(parts...));
    exit_program(status);
}

// The sentence of an error.
std::string_view error_sentence(Errno error);

// 0, or 1 after a complaint; set_status chooses another value for what comes.
int tool_status();
void set_tool_status(int status);

// The operands as files to read: "-" or none means standard input.
std::span<const std::string_view> files_or_stdin(const CommandLine& line);

// Opens a file for reading, or standard input for "-". On failure complains "PATH: SENTENCE", or for
// kSentence "cannot open 'PATH' for reading: SENTENCE", and returns false.
enum class Complaint { kShort, kSentence };
bool open_input(std::string_view path, UniqueFd& file, Complaint complaint = Complaint::kShort);

// 'PATH', as messages show names.
std::string quoted(std::string_view path);

// Asks on standard error and reads a line from standard input; true where it begins with y or Y.
bool confirmed(std::string_view question);

}  // namespace halfcell::userland
