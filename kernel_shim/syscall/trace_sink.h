#pragma once

// Where the lines of a trace go.

#include <condition_variable>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "kernel_shim/base/guarded.h"
#include "kernel_shim/base/result.h"

namespace halfcell::syscall {

class TraceSink {
  public:
    virtual ~TraceSink() = default;
    // Takes one whole line, its newline included. Any thread; lines of several threads do not mix.
    virtual void line(std::string_view text) = 0;
};

// Writes every line at once. Blocks as the stream does.
class StreamSink final : public TraceSink {
  public:
    // `stream` outlives the sink and stays the caller's. Lines end with `line_end`.
    explicit StreamSink(std::FILE* stream, std::string_view line_end = "\n")
        : stream_(stream), line_end_(line_end) {}
    void line(std::string_view text) override;

  private:
    std::FILE* const stream_;
    const std::string line_end_;
};

// Collects lines and lets a thread of its own write them: when much has come together, when nothing has come
// for a while, and at the end. A line costs its caller a copy; it waits only where the file is slower than
// the programs by a megabyte.
class FileSink final : public TraceSink {
  public:
    // Creates or empties the file. The error is one line for the user.
    static Expected<std::unique_ptr<FileSink>, std::string> open(const std::string& path);
    // Writes what is left. Blocks for it.
    ~FileSink() override;
    void line(std::string_view text) override;

  private:
    using Lock = std::unique_lock<LevelMutex<LockLevel::kLog>>;
    struct Close {
        void operator()(std::FILE* file) const { std::fclose(file); }
    };
    explicit FileSink(std::FILE* file);
    void write_all();

    const std::unique_ptr<std::FILE, Close> file_;
    LevelMutex<LockLevel::kLog> mutex_;
    std::condition_variable_any filled_;   // the writer waits for lines
    std::condition_variable_any emptied_;  // those who came too fast wait for the writer
    std::vector<char> waiting_;
    bool ending_ = false;
    std::thread writer_;
};

}  // namespace halfcell::syscall
