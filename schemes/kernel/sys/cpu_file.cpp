#include <cpuid.h>
#include <sched.h>

#include <array>
#include <cstring>

#include "schemes/kernel/sys/files.h"

// Source: kernel:src/arch/x86_shared/device/cpu.rs.

namespace halfcell::schemes::sys {

namespace {

// One answer of the cpuid instruction: eax, ebx, ecx, edx. All zero for a leaf the processor does not have.
using Leaf = std::array<std::uint32_t, 4>;
enum Register : std::uint8_t { kEax, kEbx, kEcx, kEdx };

Leaf leaf(std::uint32_t number) {
    Leaf answer{};
    if (__get_cpuid_count(number, 0, &answer[kEax], &answer[kEbx], &answer[kEcx], &answer[kEdx]) == 0)
        return {};
    return answer;
}

struct Feature {
    std::uint32_t leaf;
    Register part;
    std::uint8_t bit;
    const char* name;
};

// In the order in which Redox prints them.
constexpr Feature kFeatures[] = {
    {1, kEdx, 0, "fpu"},
    {1, kEdx, 1, "vme"},
    {1, kEdx, 2, "de"},
    {1, kEdx, 3, "pse"},
    {1, kEdx, 4, "tsc"},
    {1, kEdx, 5, "msr"},
    {1, kEdx, 6, "pae"},
    {1, kEdx, 7, "mce"},
    {1, kEdx, 8, "cx8"},
    {1, kEdx, 9, "apic"},
    {1, kEdx, 11, "sep"},
    {1, kEdx, 12, "mtrr"},
    {1, kEdx, 13, "pge"},
    {1, kEdx, 14, "mca"},
    {1, kEdx, 15, "cmov"},
    {1, kEdx, 16, "pat"},
    {1, kEdx, 17, "pse36"},
    {1, kEdx, 18, "psn"},
    {1, kEdx, 19, "clflush"},
    {1, kEdx, 21, "ds"},
    {1, kEdx, 22, "acpi"},
    {1, kEdx, 23, "mmx"},
    {1, kEdx, 24, "fxsr"},
    {1, kEdx, 25, "sse"},
    {1, kEdx, 26, "sse2"},
    {1, kEdx, 27, "ss"},
    {1, kEdx, 28, "ht"},
    {1, kEdx, 29, "tm"},
    {1, kEdx, 31, "pbe"},
    {1, kEcx, 0, "sse3"},
    {1, kEcx, 1, "pclmulqdq"},
    {1, kEcx, 2, "dtes64"},
    {1, kEcx, 3, "monitor"},
    {1, kEcx, 4, "ds_cpl"},
    {1, kEcx, 5, "vmx"},
    {1, kEcx, 6, "smx"},
    {1, kEcx, 7, "est"},
    {1, kEcx, 8, "tm2"},
    {1, kEcx, 9, "ssse3"},
    {1, kEcx, 10, "cnxtid"},
    {1, kEcx, 12, "fma"},
    {1, kEcx, 13, "cx16"},
    {1, kEcx, 15, "pdcm"},
    {1, kEcx, 17, "pcid"},
    {1, kEcx, 18, "dca"},
    {1, kEcx, 19, "sse4_1"},
    {1, kEcx, 20, "sse4_2"},
    {1, kEcx, 21, "x2apic"},
    {1, kEcx, 22, "movbe"},
    {1, kEcx, 23, "popcnt"},
    {1, kEcx, 24, "tsc_deadline_timer"},
    {1, kEcx, 25, "aes"},
    {1, kEcx, 26, "xsave"},
    {1, kEcx, 27, "xsaveopt"},
    {1, kEcx, 28, "avx"},
    {1, kEcx, 29, "f16c"},
    {1, kEcx, 30, "rdrand"},
    {0x80000001, kEdx, 29, "lm"},
    {0x80000001, kEdx, 27, "rdtscp"},
    {0x80000001, kEdx, 26, "pdpe1gb"},
    {0x80000001, kEdx, 20, "nx"},
    {0x80000001, kEdx, 11, "syscall"},
    {0x80000001, kEcx, 8, "prefetchw"},
    {0x80000001, kEcx, 5, "lzcnt"},
    {0x80000001, kEcx, 0, "lahf_lm"},
    {0x80000007, kEdx, 8, "constant_tsc"},
    {7, kEbx, 0, "fsgsbase"},
    {7, kEbx, 1, "tsc_adjust"},
    {7, kEbx, 3, "bmi1"},
    {7, kEbx, 4, "hle"},
    {7, kEbx, 5, "avx2"},
    {7, kEbx, 7, "smep"},
    {7, kEbx, 8, "bmi2"},
    {7, kEbx, 9, "erms"},
    {7, kEbx, 10, "invpcid"},
    {7, kEbx, 11, "rtm"},
    {7, kEbx, 13, "fpu_seg"},
    {7, kEbx, 14, "mpx"},
};

std::string text_of(std::initializer_list<std::uint32_t> words) {
    std::string text;
    for (const std::uint32_t word : words) {
        char bytes[sizeof word];
        std::memcpy(bytes, &word, sizeof word);
        text.append(bytes, sizeof bytes);
    }
    return text;
}

// The processor's name for itself, without the blanks some put around it; empty where it has none.
std::string brand() {
    std::string text;
    for (const std::uint32_t number : {0x80000002U, 0x80000003U, 0x80000004U}) {
        const Leaf part = leaf(number);
        text += text_of({part[kEax], part[kEbx], part[kEcx], part[kEdx]});
    }
    text = text.substr(0, text.find('\0'));
    const std::size_t first = text.find_first_not_of(' ');
    if (first == std::string::npos) return {};
    return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

}  // namespace

unsigned cpu_count() {
    static const unsigned count = [] {
        cpu_set_t cpus;
        if (::sched_getaffinity(0, sizeof cpus, &cpus) != 0) return 1U;
        return static_cast<unsigned>(CPU_COUNT(&cpus));
    }();
    return count;
}

Result<std::string> read_cpu(const Sources&, const scheme::Caller&) {
    std::string text = "CPUs: " + std::to_string(cpu_count()) + "\n";
    const Leaf basic = leaf(0);
    text += "Vendor: " + text_of({basic[kEbx], basic[kEdx], basic[kEcx]}) + "\n";
    if (const std::string model = brand(); !model.empty()) text += "Model: " + model + "\n";
    constexpr std::uint32_t kFrequencies = 0x16;
    if (basic[kEax] >= kFrequencies) {
        const Leaf megahertz = leaf(kFrequencies);
        text += "CPU Base MHz: " + std::to_string(megahertz[kEax] & 0xffff) + "\n";
        text += "CPU Max MHz: " + std::to_string(megahertz[kEbx] & 0xffff) + "\n";
        text += "Bus MHz: " + std::to_string(megahertz[kEcx] & 0xffff) + "\n";
    }
    text += "Features:";
    for (const Feature& feature : kFeatures)
        if ((leaf(feature.leaf)[feature.part] >> feature.bit & 1) != 0) text.append(" ").append(feature.name);
    return text + "\n";
}

}  // namespace halfcell::schemes::sys
