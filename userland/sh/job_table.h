#pragma once

// The shell's jobs: which processes belong together, what has become of them, how the list shows it. Pure;
// tested on the host.

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace halfcell::userland::sh {

struct Job {
    enum class State : std::uint8_t { kRunning, kStopped, kDone };
    struct Process {
        std::uint32_t pid = 0;
        State state = State::kRunning;
        std::int32_t status = 0;  // A wait status, once it is not running.
    };

    int number = 0;  // 0: not in the list; someone waits for it right away.
    std::uint32_t group = 0;
    std::string text;
    std::vector<Process> processes;
    bool reported = true;  // False: its state has changed since the user was told.

    // Running while one process runs, else stopped while one is.
    State state() const;
    // The wait status of the last process.
    std::int32_t status() const { return processes.empty() ? 0 : processes.back().status; }
};

class JobTable {
  public:
    // A job that is not in the list yet. It stays until `remove`.
    Job& add(std::string text);
    // Puts it in the list, under the lowest number above those in use; it becomes the current job.
    void enlist(Job& job);
    void remove(const Job& job);
    // Takes a job that ended out of the list once the user was told. `wait $!` may ask for it later: its last
    // process's status is remembered, with those of the 63 retired before it.
    void retire(const Job& job);
    // The wait status of a retired job's last process, once; nothing for any other.
    std::optional<std::int32_t> take_retired(std::uint32_t pid);
    // What `wait` without operands does: nobody asks for these any more.
    void forget_retired() { retired_.clear(); }
    // In a subshell: the jobs are the parent's.
    void clear() {
        jobs_.clear();
        retired_.clear();
    }

    // Records what a wait has told; false for a process of no job.
    bool record(std::uint32_t pid, std::int32_t status);

    Job* of_process(std::uint32_t pid);
    // "%1", "%%", "%+", "%-", "%name", "%?text"; null, with `error` set, where none or several are meant.
    Job* of_spec(std::string_view spec, std::string& error);
    Job* current();

    // Those in the list, by number.
    std::vector<Job*> listed();
    bool any_listed(Job::State state) const;

    // A line of the list: "[1] + Running    sleep 10 ". `with_ids` adds the process ids, as jobs -l.
    std::string line(const Job& job, bool with_ids) const;

  private:
    char mark(const Job& job) const;

    std::vector<std::unique_ptr<Job>> jobs_;
    // Numbers of listed jobs, the current one last.
    std::vector<int> order_;
    // Last processes of retired jobs, the newest last.
    std::deque<Job::Process> retired_;
};

}  // namespace halfcell::userland::sh
