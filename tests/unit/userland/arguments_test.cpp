#include "userland/lib/arguments.h"

#include <doctest/doctest.h>

#include <vector>

using namespace halfcell::userland;

namespace {

constexpr Option kOptions[] = {
    {'a', "all", Value::kNone, "", "everything"},
    {'n', "lines", Value::kRequired, "N", "so many"},
    {'c', "check", Value::kOptional, "HOW", "check"},
    {kLongOnly, "allow", Value::kNone, "", ""},
};
constexpr Usage kUsage{"tool", "[OPTION]... FILE", "Does things.", kOptions};

CommandLine parsed(std::vector<std::string_view> arguments, const Usage& usage = kUsage) {
    return parse_command_line(usage, arguments);
}

}  // namespace

TEST_CASE("options and operands mix") {
    const CommandLine line = parsed({"x", "-an5", "y", "--lines=7", "-", "--", "-z"});
    CHECK(line.error.empty());
    CHECK(line.has('a'));
    CHECK(line.value_of('n') == "7");
    CHECK(line.operands == std::vector<std::string_view>{"x", "y", "-", "-z"});
    CHECK(line.options[1].value == "5");
}

TEST_CASE("options end at the first operand where a tool asks for it") {
    Usage usage = kUsage;
    usage.operands = Operands::kLast;
    const CommandLine line = parsed({"-a", "x", "-n", "5"}, usage);
    CHECK(line.operands == std::vector<std::string_view>{"x", "-n", "5"});
}

TEST_CASE("values") {
    CHECK(parsed({"-n", "5"}).value_of('n') == "5");
    CHECK(parsed({"--lines", "5"}).value_of('n') == "5");
    CHECK_FALSE(parsed({"-c", "x"}).options[0].has_value);
    CHECK(parsed({"-cx"}).value_of('c') == "x");
    CHECK(parsed({"--check=y"}).value_of('c') == "y");
    CHECK(parsed({}).value_of('n', "3") == "3");
}

TEST_CASE("mistakes are named") {
    CHECK(parsed({"-q"}).error == "invalid option -- 'q'");
    CHECK(parsed({"--nope"}).error == "unrecognized option '--nope'");
    CHECK(parsed({"-n"}).error == "option requires an argument -- 'n'");
    CHECK(parsed({"--lines"}).error == "option '--lines' requires an argument");
    CHECK(parsed({"--all=x"}).error == "option '--all' doesn't allow an argument");
    CHECK(parsed({"--al"}).error == "option '--al' is ambiguous");
    CHECK(parsed({"--li=5"}).value_of('n') == "5");
}

TEST_CASE("help lists the options that have one") {
    const std::string text = help_text(kUsage);
    CHECK(text.find("Usage: tool [OPTION]... FILE\nDoes things.\n") == 0);
    CHECK(text.find("-n, --lines=N") != std::string::npos);
    CHECK(text.find("--allow") == std::string::npos);
    CHECK(parsed({"--help"}).help);
}
