// mkdir: makes directories.

#include "userland/lib/mode.h"
#include "userland/lib/tool.h"
#include "userland/rt/file.h"
#include "userland/rt/path.h"

namespace halfcell::userland {
namespace {

constexpr Option kOptions[] = {
    {'m', "mode", Value::kRequired, "MODE", "permissions, as chmod takes them"},
    {'p', "parents", Value::kNone, "", "make what is missing above; an existing directory is fine"},
    {'v', "verbose", Value::kNone, "", "say what is made"},
};
constexpr Usage kUsage{"mkdir", "[OPTION]... DIRECTORY...", "Makes each DIRECTORY.", kOptions};

class Maker {
  public:
    explicit Maker(const CommandLine& line)
        : mode_(line.value_of('m')), parents_(line.has('p')), verbose_(line.has('v')) {
        if (line.has('m') && !is_mode_expression(mode_)) give_up(1, "invalid mode ", quoted(mode_));
    }

    void make(std::string_view path) {
        if (parents_ && !make_parents(path)) return;
        const Result<void> made = make_directory(path, 0777);
        if (!made) {
            if (parents_ && exists(path)) return;
            complain("cannot create directory ", quoted(path), ": ", error_sentence(made.error()));
            return;
        }
        report(path);
        if (mode_.empty()) return;
        // The umask does not apply to a mode that is asked for.
        const Result<void> changed = change_mode(path, *apply_mode(mode_, 0777, true, process().umask));
        if (!changed)
            complain("cannot set permissions of ", quoted(path), ": ", error_sentence(changed.error()));
    }

  private:
    static bool exists(std::string_view path) {
        const Result<abi::Stat> stat = stat_file(path);
        return stat && is_directory(*stat);
    }
    void report(std::string_view path) const {
        if (verbose_) out().print("mkdir: created directory ", quoted(path), '\n');
    }

    // From the top down to the parent of `path`.
    bool make_parents(std::string_view path) {
        const std::string_view parent = directory_name(path);
        if (parent == "." || parent == "/" || exists(parent)) return true;
        if (!make_parents(parent)) return false;
        const Result<void> made = make_directory(parent, 0777);
        if (!made && !exists(parent)) {
            complain("cannot create directory ", quoted(parent), ": ", error_sentence(made.error()));
            return false;
        }
        report(parent);
        return true;
    }

    std::string_view mode_;
    bool parents_;
    bool verbose_;
};

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    const CommandLine line = parse_or_exit(kUsage, arguments);
    check_operand_count(line, 1);
    Maker maker(line);
    for (const std::string_view path : line.operands)
        maker.make(path);
    return tool_status();
}

}  // namespace halfcell::userland
