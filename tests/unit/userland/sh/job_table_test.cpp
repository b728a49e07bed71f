#include "userland/sh/job_table.h"

#include <doctest/doctest.h>

#include "userland/sh/options.h"

using namespace halfcell::userland::sh;

namespace {

constexpr std::int32_t kExitedWith3 = 3 << 8;
constexpr std::int32_t kStopped = 0x7f | 20 << 8;
constexpr std::int32_t kContinued = 0xffff;

Job& listed(JobTable& jobs, std::string text, std::vector<std::uint32_t> pids) {
    Job& job = jobs.add(std::move(text));
    for (const std::uint32_t pid : pids)
        job.processes.push_back({pid, Job::State::kRunning, 0});
    jobs.enlist(job);
    return job;
}

}  // namespace

TEST_CASE("a job is what its processes are") {
    JobTable jobs;
    Job& job = listed(jobs, "a | b", {10, 11});
    CHECK(job.number == 1);
    CHECK(job.state() == Job::State::kRunning);
    CHECK(jobs.record(10, 0));
    CHECK(job.state() == Job::State::kRunning);
    CHECK(jobs.record(11, kStopped));
    CHECK(job.state() == Job::State::kStopped);
    CHECK_FALSE(job.reported);
    CHECK(jobs.record(11, kContinued));
    CHECK(job.state() == Job::State::kRunning);
    CHECK(jobs.record(11, kExitedWith3));
    CHECK(job.state() == Job::State::kDone);
    CHECK(job.status() == kExitedWith3);
    CHECK_FALSE(jobs.record(99, 0));
}

TEST_CASE("jobs are found by what users call them") {
    JobTable jobs;
    std::string error;
    CHECK(jobs.of_spec("%%", error) == nullptr);
    Job& first = listed(jobs, "sleep 10", {10});
    Job& second = listed(jobs, "cat file", {11});
    CHECK(second.number == 2);
    CHECK(jobs.of_spec("%%", error) == &second);
    CHECK(jobs.of_spec("%+", error) == &second);
    CHECK(jobs.of_spec("%-", error) == &first);
    CHECK(jobs.of_spec("%1", error) == &first);
    CHECK(jobs.of_spec("%sl", error) == &first);
    CHECK(jobs.of_spec("%?file", error) == &second);
    CHECK(jobs.of_spec("%3", error) == nullptr);
    CHECK(error == "No such job: %3");
    listed(jobs, "sleep 20", {12});
    CHECK(jobs.of_spec("%sleep", error) == nullptr);
    CHECK(error == "Ambiguous: sleep");
    jobs.enlist(first);
    CHECK(jobs.of_spec("%%", error) == &first);
    jobs.remove(first);
    CHECK(jobs.of_process(10) == nullptr);
    CHECK(jobs.listed().size() == 2);
}

TEST_CASE("a wait after the report of a job's end has its status, once") {
    JobTable jobs;
    for (std::uint32_t pid = 100; pid < 165; ++pid) {
        const Job& job = listed(jobs, "a | b", {pid + 1000, pid});
        CHECK(jobs.record(pid + 1000, 0));
        CHECK(jobs.record(pid, kExitedWith3));
        jobs.retire(job);
    }
    CHECK(jobs.listed().empty());
    CHECK(jobs.take_retired(164) == kExitedWith3);
    CHECK_FALSE(jobs.take_retired(164));
    CHECK_FALSE(jobs.take_retired(1163));
    CHECK_FALSE_MESSAGE(jobs.take_retired(100), "the oldest of 65 is forgotten");
    CHECK(jobs.take_retired(101) == kExitedWith3);
    jobs.forget_retired();
    CHECK_FALSE(jobs.take_retired(102));
}

TEST_CASE("the list shows state and command") {
    JobTable jobs;
    Job& first = listed(jobs, "sleep 10", {10});
    Job& second = listed(jobs, "cat", {11, 12});
    CHECK(jobs.line(first, false) == "[1] - Running                    sleep 10\n");
    CHECK(jobs.line(second, true) == "[2] + 11 12 Running                    cat\n");
    jobs.record(10, kExitedWith3);
    CHECK(jobs.line(first, false) == "[1] - Done(3)                    sleep 10\n");
    jobs.record(12, 9);
    jobs.record(11, kStopped);
    CHECK(jobs.line(second, false) == "[2] + Stopped                    cat\n");
    jobs.record(11, 0);
    CHECK(jobs.line(second, false) == "[2] + Killed                     cat\n");
}

TEST_CASE("options have letters and names") {
    Options options;
    options.set(Option::kErrExit, true);
    options.set(Option::kTrace, true);
    CHECK(options.letters() == "ex");
    options.set(Option::kErrExit, false);
    CHECK_FALSE(options.has(Option::kErrExit));
    CHECK(option_of_letter('u') == Option::kNoUnset);
    CHECK(option_of_name("noclobber") == Option::kNoClobber);
    CHECK_FALSE(option_of_letter('z').has_value());
    CHECK(name_of(Option::kMonitor) == "monitor");
    for (unsigned i = 0; i < static_cast<unsigned>(Option::kCount); ++i)
        CHECK(option_of_name(name_of(static_cast<Option>(i))) == static_cast<Option>(i));
}
