#include "kernel_shim/host/capacity.h"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace halfcell::host {
namespace {

TEST_CASE("half of what is scarcest is left to the host") {
    CHECK(comfortable_guest_threads({.tasks = 6000}) == 1000);
    CHECK(comfortable_guest_threads({.tasks = 6000, .descriptors = 600}) == 100);
    CHECK(comfortable_guest_threads({.tasks = 6000, .memory = std::uint64_t{256} << 20}) == 64);
}

TEST_CASE("the number is neither absurdly low nor without bound") {
    CHECK(comfortable_guest_threads({}) == 4096);
    CHECK(comfortable_guest_threads({.tasks = 1}) == 16);
}

TEST_CASE("the lowest limit on the way up the control groups binds") {
    const auto mount = std::filesystem::temp_directory_path() / ("groups." + std::to_string(getpid()));
    const auto put = [&](const std::string& group, const std::string& text) {
        std::filesystem::create_directories(mount / group);
        std::ofstream(mount / group / "pids.max") << text << '\n';
    };
    put("a", "500");
    put("a/b", "max");
    put("pids/x", "40");
    const std::string root = mount.string();
    CHECK(task_limit_of_groups("0::/a/b\n", root) == 500);
    CHECK(task_limit_of_groups("0::/a/b\n3:cpu,cpuacct:/x\n", root) == 500);
    CHECK(task_limit_of_groups("8:pids:/x\n0::/a\n", root) == 40);
    CHECK(task_limit_of_groups("0::/nowhere/at/all\n", root) == UINT64_MAX);
    CHECK(task_limit_of_groups("0::/\n", root) == UINT64_MAX);
    CHECK(task_limit_of_groups("rubbish\n:\n", root) == UINT64_MAX);
    std::filesystem::remove_all(mount);
}

TEST_CASE("the limits of this host are numbers that one can work with") {
    const HostLimits limits = read_host_limits();
    CHECK(limits.tasks > 0);
    CHECK(limits.memory > (std::uint64_t{1} << 20));
    rlimit own{};
    REQUIRE(getrlimit(RLIMIT_NOFILE, &own) == 0);
    if (own.rlim_max != RLIM_INFINITY) CHECK(limits.descriptors == own.rlim_max);
}

}  // namespace
}  // namespace halfcell::host
