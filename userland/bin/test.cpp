// test: evaluates an expression. Also built as "[", which wants a "]" at the end.

#include "userland/lib/test_expression.h"
#include "userland/lib/tool.h"

namespace halfcell::userland {
namespace {

#ifdef HALFCELL_BRACKET
constexpr bool kBracket = true;
#else
constexpr bool kBracket = false;
#endif

constexpr Usage kUsage{kBracket ? "[" : "test",
                       kBracket ? "[EXPRESSION] ]" : "[EXPRESSION]",
                       "Status 0 where EXPRESSION is true, 1 where it is false, 2 where it is wrong.\n"
                       "STRING, -n STRING, -z STRING, S1 = S2, S1 != S2, N1 -eq -ne -lt -le -gt -ge N2,\n"
                       "F1 -nt -ot -ef F2, -b -c -d -e -f -g -h -k -L -p -r -s -S -u -w -x FILE, -t FD,\n"
                       "! E, ( E ), E1 -a E2, E1 -o E2.",
                       {},
                       2};

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    set_tool(kUsage);
    if (kBracket) {
        if (arguments.size() == 1 && arguments[0] == "--help") {
            out().write(help_text(kUsage));
            return 0;
        }
        if (arguments.empty() || arguments.back() != "]") give_up(2, "missing ']'");
        arguments = arguments.first(arguments.size() - 1);
    }
    std::string error;
    const int status = evaluate_test(arguments, error);
    if (!error.empty()) give_up(status, error);
    return status;
}

}  // namespace halfcell::userland
