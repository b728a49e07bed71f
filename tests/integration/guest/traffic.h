#pragma once

// What `transfers` does with a carrier: rounds of all kinds, chosen by a random number. Ends the program with
// "FAIL: …" where something is not as it must be.

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "tests/integration/guest/carriers.h"

namespace halfcell::userland {

class Traffic {
  public:
    // As make_carrier.
    Traffic(std::string_view kind, std::string_view path, std::uint32_t seed);
    Traffic(const Traffic&) = delete;
    Traffic& operator=(const Traffic&) = delete;
    ~Traffic();

    void round();
    // Descriptors that have arrived, and transfers that were refused.
    [[nodiscard]] std::uint64_t moved() const { return moved_; }
    [[nodiscard]] std::uint64_t refused() const { return refused_; }

  private:
    struct Held {
        std::uint64_t number = 0;
        std::uint64_t inode = 0;  // 0: not known by one
    };
    using Numbers = std::vector<std::uint64_t>;

    std::uint64_t pick(std::uint64_t below) { return random_() % below; }
    void renew_carrier();
    void fill_pool();
    std::vector<Held> some();
    static Numbers numbers_of(const std::vector<Held>& held);
    void keep(const Numbers& numbers, const std::vector<Held>& as);
    void put_all(Numbers& numbers, std::uint64_t flags);
    Numbers take_all(std::size_t count, std::uint64_t flags);

    void there_and_back(std::uint64_t flags);
    void one_by_one();
    void copied();
    void to_named_places();
    void exclusively();
    void exclusively_while_shared();
    void with_a_bad_number();
    void refused_by_the_carrier();
    void taken_with_errors();
    void refused_by_a_channel();
    void lost_on_the_way();
    void sent_by_a_child();
    void taken_by_a_child();
    void child_killed_while_it_waits();
    void child_killed_while_it_moves();

    const std::string kind_;
    const std::string path_;
    std::minstd_rand random_;
    std::unique_ptr<Carrier> carrier_;
    std::vector<Held> pool_;
    std::uint64_t made_ = 0;
    std::uint64_t moved_ = 0;
    std::uint64_t refused_ = 0;
};

}  // namespace halfcell::userland
