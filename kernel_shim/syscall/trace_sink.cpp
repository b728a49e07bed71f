#include "kernel_shim/syscall/trace_sink.h"

#include <cerrno>
#include <chrono>
#include <cstring>

namespace halfcell::syscall {

namespace {

// So much is worth a write of its own…
constexpr std::size_t kMuch = 64 * 1024;
// …and so much must not be passed.
constexpr std::size_t kTooMuch = 1024 * 1024;
// How long lines may lie about.
constexpr auto kIdle = std::chrono::milliseconds(200);

}  // namespace

void StreamSink::line(std::string_view text) {
    std::string ended(text.substr(0, text.size() - 1));
    ended += line_end_;
    // The C library's own lock keeps lines whole. A trace that cannot be written does not stop the program.
    (void)std::fwrite(ended.data(), 1, ended.size(), stream_);
    (void)std::fflush(stream_);
}

Expected<std::unique_ptr<FileSink>, std::string> FileSink::open(const std::string& path) {
    std::FILE* const file = std::fopen(path.c_str(), "wbe");
    if (file == nullptr) return unexpected("cannot write " + path + ": " + std::strerror(errno));
    std::setvbuf(file, nullptr, _IONBF, 0);
    return std::unique_ptr<FileSink>(new FileSink(file));
}

FileSink::FileSink(std::FILE* file) : file_(file) {}

FileSink::~FileSink() {
    {
        const Lock lock(mutex_);
        ending_ = true;
        filled_.notify_one();
    }
    if (writer_.joinable()) writer_.join();
}

void FileSink::line(std::string_view text) {
    Lock lock(mutex_);
    if (!writer_.joinable()) writer_ = std::thread([this] { write_all(); });
    emptied_.wait(lock, [this] { return waiting_.size() < kTooMuch; });
    const std::size_t before = waiting_.size();
    waiting_.insert(waiting_.end(), text.begin(), text.end());
    // The writer sleeps without a deadline while there is nothing, and with one until there is much.
    if (before == 0 || (before < kMuch && waiting_.size() >= kMuch)) filled_.notify_one();
}

void FileSink::write_all() {
    std::vector<char> writing;
    Lock lock(mutex_);
    for (;;) {
        filled_.wait(lock, [this] { return ending_ || !waiting_.empty(); });
        filled_.wait_for(lock, kIdle, [this] { return ending_ || waiting_.size() >= kMuch; });
        if (waiting_.empty()) return;
        writing.swap(waiting_);
        emptied_.notify_all();
        lock.unlock();
        // A full disk loses lines; the programs go on.
        (void)std::fwrite(writing.data(), 1, writing.size(), file_.get());
        writing.clear();
        lock.lock();
    }
}

}  // namespace halfcell::syscall
