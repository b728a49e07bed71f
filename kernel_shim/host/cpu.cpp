#include "kernel_shim/host/cpu.h"

#include <sched.h>

#include <cstddef>

namespace halfcell::host {

namespace {

// Larger than any machine Linux supports (NR_CPUS is at most 8192).
constexpr int kMostCpus = 8192;

class CpuSet {
  public:
    CpuSet() : set_(CPU_ALLOC(kMostCpus)) { CPU_ZERO_S(size(), set_); }
    CpuSet(const CpuSet&) = delete;
    CpuSet& operator=(const CpuSet&) = delete;
    ~CpuSet() { CPU_FREE(set_); }
    [[nodiscard]] static std::size_t size() { return CPU_ALLOC_SIZE(kMostCpus); }
    [[nodiscard]] cpu_set_t* get() { return set_; }
    [[nodiscard]] bool has(int cpu) const {
        return CPU_ISSET_S(static_cast<std::size_t>(cpu), size(), set_) != 0;
    }
    void add(int cpu) { CPU_SET_S(static_cast<std::size_t>(cpu), size(), set_); }

  private:
    cpu_set_t* set_;
};

}  // namespace

std::vector<int> allowed_cpus() {
    CpuSet set;
    std::vector<int> cpus;
    if (sched_getaffinity(0, CpuSet::size(), set.get()) == 0) {
        for (int cpu = 0; cpu < kMostCpus; ++cpu)
            if (set.has(cpu)) cpus.push_back(cpu);
    }
    if (cpus.empty()) cpus.push_back(current_cpu());
    return cpus;
}

int current_cpu() {
    const int cpu = sched_getcpu();
    return cpu < 0 ? 0 : cpu;
}

bool pin_thread(pid_t thread, int cpu) {
    if (cpu < 0 || cpu >= kMostCpus) return false;
    CpuSet set;
    set.add(cpu);
    return sched_setaffinity(thread, CpuSet::size(), set.get()) == 0;
}

}  // namespace halfcell::host
