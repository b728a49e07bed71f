#include "kernel_shim/gdb/connect_files.h"

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "kernel_shim/gdb/call_names.h"
#include "kernel_shim/host/host_errno.h"

namespace halfcell::gdb {

namespace {

namespace fs = std::filesystem;

// Where distributions put what else gdb has in its data directory; it keeps working through links.
constexpr const char* kGdbData = "/usr/share/gdb";
constexpr std::string_view kCallNames = "syscalls";

std::string directory_for_sessions() {
    for (const char* const variable : {"XDG_RUNTIME_DIR", "TMPDIR"}) {
        const char* const path = std::getenv(variable);
        std::error_code error;
        if (path != nullptr && *path == '/' && fs::is_directory(path, error)) return path;
    }
    return "/tmp";
}

std::string data_directory(const std::string& directory) {
    return directory + "/data";
}

// In a shell, the word means itself.
std::string quoted(const std::string& word) {
    constexpr std::string_view kPlain =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+:,=@%";
    if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) return word;
    std::string text = "'";
    for (const char character : word) {
        if (character == '\'')
            text += "'\\''";
        else
            text += character;
    }
    return text + "'";
}

}  // namespace

Result<ConnectFiles> ConnectFiles::create() {
    std::string pattern = directory_for_sessions() + "/halfcell-gdb-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) return fail(host::last_error());
    ConnectFiles files(pattern);
    TRY(files.fill());
    return files;
}

Result<void> ConnectFiles::fill() const {
    std::error_code error;
    const fs::path data = data_directory(path_);
    fs::create_directories(data / kCallNames, error);
    if (error) return fail(host::translate_errno(error.value()));
    for (const auto& entry : fs::directory_iterator(kGdbData, error)) {
        std::error_code ignored;
        if (entry.path().filename() != kCallNames)
            fs::create_symlink(entry.path(), data / entry.path().filename(), ignored);
    }
    std::ofstream names(data / kCallNamesFile, std::ios::binary);
    names << call_names_xml() << std::flush;
    if (!names) return fail(Errno::kENOSPC);
    return {};
}

ConnectFiles::~ConnectFiles() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
}

std::string command_line(const std::string& directory, const std::string& address,
                         const std::string& program) {
    std::string line = "gdb -iex " + quoted("set data-directory " + data_directory(directory)) + " -iex " +
                       quoted("set can-use-hw-watchpoints 0") + " -ex " + quoted("target remote " + address);
    if (!program.empty()) line += " " + quoted(program);
    return line;
}

}  // namespace halfcell::gdb
