#include "userland/lib/remove.h"

#include <string>

#include "userland/lib/mode.h"
#include "userland/lib/tool.h"
#include "userland/rt/directory.h"
#include "userland/rt/file.h"
#include "userland/rt/path.h"

namespace halfcell::userland {
namespace {

class Remover {
  public:
    explicit Remover(const RemoveOptions& options) : options_(options) {}

    bool remove(const std::string& path, bool directory) {
        if (!directory) {
            if (!ask("remove file ", path)) return false;
            return report(path, remove_file(path), "removed ");
        }
        if (!options_.recursive) {
            if (!options_.empty_directories) return refuse(path, Errno::kEISDIR);
            if (!ask("remove directory ", path)) return false;
            return report(path, remove_directory(path), "removed directory ");
        }
        return remove_tree(path);
    }

  private:
    bool ask(std::string_view what, const std::string& path) const {
        return !options_.interactive || confirmed(concat(what, quoted(path), "? "));
    }
    static bool refuse(const std::string& path, Errno error) {
        complain("cannot remove ", quoted(path), ": ", error_sentence(error));
        return false;
    }
    bool report(const std::string& path, const Result<void>& result, std::string_view verb) const {
        if (!result) {
            if (options_.force && result.error() == Errno::kENOENT) return true;
            return refuse(path, result.error());
        }
        if (options_.verbose) out().print(verb, quoted(path), '\n');
        return true;
    }

    bool remove_tree(const std::string& path) {
        Result<std::vector<DirectoryEntry>> entries = read_directory(path);
        if (!entries) {
            // An unreadable directory may still be empty.
            const Result<void> removed = remove_directory(path);
            return removed ? report(path, removed, "removed directory ") : refuse(path, entries.error());
        }
        if (!entries->empty() && !ask("descend into directory ", path)) return false;
        bool all = true;
        for (const DirectoryEntry& entry : *entries) {
            const std::string child = join_path(path, entry.name);
            bool directory = entry.kind == EntryKind::kDirectory;
            if (entry.kind == EntryKind::kUnknown) {
                const Result<abi::Stat> stat = stat_file(child, FollowLinks::kNo);
                directory = stat && is_directory(*stat);
            }
            all = remove(child, directory) && all;
        }
        if (!all || !ask("remove directory ", path)) return false;
        return report(path, remove_directory(path), "removed directory ");
    }

    const RemoveOptions& options_;
};

}  // namespace

bool remove_operand(std::string_view path, const RemoveOptions& options) {
    const std::string_view name = base_name(path);
    if (options.recursive && (name == "." || name == "..")) {
        complain("refusing to remove '.' or '..' directory: skipping ", quoted(path));
        return false;
    }
    if (options.recursive && canonical_path(process().working_directory, path) == "/") {
        complain("it is dangerous to operate recursively on '/'");
        return false;
    }
    const Result<abi::Stat> stat = stat_file(path, FollowLinks::kNo);
    if (!stat) {
        const bool missing = stat.error() == Errno::kENOENT || stat.error() == Errno::kENOTDIR;
        if (options.force && missing) return true;
        complain("cannot remove ", quoted(path), ": ", error_sentence(stat.error()));
        return false;
    }
    return Remover(options).remove(std::string(path), is_directory(*stat));
}

}  // namespace halfcell::userland
