// Drives a fuzz target without libFuzzer: COUNT inputs of random length, made of random bytes, of small
// numbers and of pieces of earlier inputs. Prints the seed, so that a failure can be repeated.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using Input = std::vector<std::uint8_t>;

Input make_input(std::mt19937_64& random, const std::vector<Input>& earlier) {
    Input input(random() % 512);
    for (auto& byte : input)
        byte = static_cast<std::uint8_t>(random() % 4 == 0 ? random() : random() % 8);
    if (!earlier.empty() && random() % 2 == 0) {
        const Input& other = earlier[random() % earlier.size()];
        input.insert(input.end(), other.begin(), other.end());
    }
    if (input.size() > 4096) input.resize(4096);
    return input;
}

}  // namespace

int main(int argc, char** argv) {
    const std::uint64_t count = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 10000;
    const std::uint64_t seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : std::random_device{}();
    std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
    std::fflush(stdout);
    std::mt19937_64 random(seed);
    std::vector<Input> earlier;
    for (std::uint64_t i = 0; i < count; ++i) {
        const Input input = make_input(random, earlier);
        LLVMFuzzerTestOneInput(input.data(), input.size());
        if (earlier.size() < 64)
            earlier.push_back(input);
        else
            earlier[random() % earlier.size()] = input;
    }
    std::printf("%llu inputs\n", static_cast<unsigned long long>(count));
    return 0;
}
