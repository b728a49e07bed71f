#pragma once

// Turns the readiness of host files into events: one thread for all of them, started with the first watch and
// asleep while nothing happens.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <thread>

#include "kernel_shim/base/guarded.h"
#include "kernel_shim/base/ids.h"
#include "kernel_shim/host/unique_fd.h"
#include "schemes/stdio/host_file.h"

namespace halfcell::schemes {

class HostWatcher {
  public:
    // `report` gets the handle and the abi::EventFlags that came true; it runs on the watcher's thread,
    // without a lock, once per edge.
    explicit HostWatcher(std::function<void(HandleNumber, std::uint64_t)> report)
        : report_(std::move(report)) {}
    HostWatcher(const HostWatcher&) = delete;
    HostWatcher& operator=(const HostWatcher&) = delete;
    // Waits for the thread, which may be inside `report`.
    ~HostWatcher();

    // What becomes of readiness that is older than the watch.
    enum class Initial { kReturn, kReport };

    // Watches `file` for `flags` (abi::EventFlags) on behalf of a handle, replacing what it watched before; 0
    // ends it. Initial::kReturn: returns what is ready now and does not report it. Initial::kReport: reports
    // it and returns 0. Files that are always ready (regular ones) and files the host refuses to watch are
    // never reported.
    std::uint64_t watch(HandleNumber handle, const std::shared_ptr<HostFile>& file, std::uint64_t flags,
                        Initial initial);
    void unwatch(HandleNumber handle);

    // Reports once more what is still ready: call it after a transfer that may have left something behind,
    // since only edges are reported otherwise. Does nothing for a handle that is not watched.
    void look_again(HandleNumber handle);

    // The ready flags of a file now. Does not block.
    static std::uint64_t ready(const HostFile& file, std::uint64_t flags);

  private:
    struct Watch {
        std::shared_ptr<HostFile> file;
        host::UniqueFd watched;  // a duplicate: the same file may be watched for several handles
        std::uint64_t flags = 0;
        // The next edge is the one that the begin of the watch made: it tells nothing new until somebody has
        // read.
        bool skip_edge = false;
    };
    struct State {
        std::map<std::uint64_t, Watch> watches;  // by handle
        host::UniqueFd poller;
        host::UniqueFd stop;
        std::thread thread;
    };

    // Makes the poller and the thread; false when the host has none to give. Under the lock.
    bool start(State& state);
    void run(int poller);

    const std::function<void(HandleNumber, std::uint64_t)> report_;
    Guarded<State, LockLevel::kObject> state_;
};

}  // namespace halfcell::schemes
