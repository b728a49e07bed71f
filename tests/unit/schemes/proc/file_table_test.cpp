// File tables: listed, copied, chosen, and gone with their last context.

#include "tests/unit/schemes/proc/proc_fixture.h"

namespace halfcell::test {
namespace {

TEST_CASE_FIXTURE(ProcFixture, "file tables are listed as they were at the open, and copied as they are") {
    const std::int64_t thread = dup(kAuthority, "new-context");
    char buffer[4096] = {};
    const std::int64_t empty = dup(thread, "filetable");
    CHECK(read(empty, buffer, 100) == 0);
    const std::int64_t copy = dup(empty, "copy");
    CHECK(read(copy, buffer, 100) == error(Errno::kEBADF));
    CHECK(size_of(copy) == 0);
    const std::string expected = "0\n1\n2\n3\n4611686018427387913\n";
    const std::int64_t own = dup(self, "filetable");
    const std::int64_t own_copy = dup(own, "copy");
    CHECK(size_of(own) == static_cast<std::int64_t>(expected.size()));
    CHECK(size_of(own_copy) == static_cast<std::int64_t>(expected.size()));
    CHECK(read(own_copy, buffer, 100) == error(Errno::kEBADF));
    CHECK(read(own, buffer, 5) == 5);
    CHECK(read(own, buffer, 100) == static_cast<std::int64_t>(expected.size()) - 5);
    CHECK(read(own, buffer, 100) == 0);
    CHECK(dup(own, "x") == error(Errno::kEINVAL));
    CHECK(dup(own_copy, "copy") == error(Errno::kEINVAL));
    const std::int64_t binary = dup(self, "filetable-binary");
    std::array<std::uint64_t, 16> numbers{};
    CHECK(read(binary, numbers.data(), sizeof numbers) == 7 * 8);
    CHECK(numbers[5] == 5);
    CHECK(numbers[6] == kAuthority);
    CHECK(write(binary, buffer, 8) == error(Errno::kEBADF));
}

TEST_CASE_FIXTURE(ProcFixture, "a context takes over the file table it is given, when the selector closes") {
    const std::int64_t thread = dup(kAuthority, "new-context");
    const auto context = kernel.contexts.all().back();
    const std::int64_t own = dup(self, "filetable");
    const std::int64_t copy = dup(own, "copy");
    const std::int64_t select = dup(thread, "current-filetable");
    CHECK(write(select, "1234567", 7) == error(Errno::kEINVAL));
    CHECK(write_words(select, {static_cast<std::uint64_t>(thread)}) == error(Errno::kEBADF));
    CHECK(write_words(select, {99}) == error(Errno::kEBADF));
    char buffer[8];
    CHECK(read(select, buffer, 8) == error(Errno::kEBADF));
    CHECK(write_words(select, {static_cast<std::uint64_t>(copy)}) == 8);
    CHECK(write_words(select, {static_cast<std::uint64_t>(copy)}) == error(Errno::kEBADF));
    CHECK(context->files()->count() == 0);
    CHECK(close(select) == 0);
    CHECK(context->files()->count() == 4);  // what there was at the copy
    CHECK(context->files() != caller_context->files());
    CHECK(read(copy, buffer, 2) == 2);  // an ordinary listing now

    const std::int64_t share = dup(thread, "current-filetable");
    CHECK(write_words(share, {static_cast<std::uint64_t>(own)}) == 8);
    CHECK(close(share) == 0);
    CHECK(context->files() == caller_context->files());
    // The copy lost its only user.
    CHECK(dup(copy, "copy") == error(Errno::kEOWNERDEAD));
    CHECK(write_to(thread, "current-filetable", {static_cast<std::uint64_t>(copy)}) ==
          error(Errno::kEOWNERDEAD));
}

TEST_CASE_FIXTURE(ProcFixture, "replaced-table-leak: a table nobody uses any more closes its descriptors") {
    const auto recorder = std::make_shared<RecordingScheme>();
    const SchemeId id = *kernel.schemes.add(recorder);
    const std::int64_t thread = dup(kAuthority, "new-context");
    const auto context = kernel.contexts.all().back();
    REQUIRE(context->files()->add(
        {scheme::DescriptionRef::create({.scheme = recorder, .scheme_id = id, .number = HandleNumber{5}}),
         false}));
    const std::int64_t own = dup(self, "filetable");
    CHECK(write_to(thread, "current-filetable", {static_cast<std::uint64_t>(own)}) == 8);
    CHECK(recorder->closed() == std::vector<std::uint64_t>{5});
}

TEST_CASE_FIXTURE(ProcFixture, "a table ends with its last context, whoever looks at it meanwhile") {
    const auto recorder = std::make_shared<RecordingScheme>();
    const SchemeId id = *kernel.schemes.add(recorder);
    auto file =
        scheme::DescriptionRef::create({.scheme = recorder, .scheme_id = id, .number = HandleNumber{5}});
    file->set_notify_on_detach(true);
    const auto table = caller_context->files();
    REQUIRE(table->add({std::move(file), false}));
    // A descriptor in the table that refers to the table.
    const std::int64_t thread = dup(kAuthority, "new-context");
    const auto context = kernel.contexts.all().back();
    const std::int64_t own = dup(self, "filetable");
    CHECK(write_to(thread, "current-filetable", {static_cast<std::uint64_t>(own)}) == 8);
    CHECK(write_words(dup(thread, "current-filetable"), {static_cast<std::uint64_t>(own)}) == 8);
    caller_context->die(std::nullopt);
    CHECK(recorder->closed().empty());
    context->die(std::nullopt);
    CHECK(recorder->detached().size() == 1);
    CHECK(recorder->closed() == std::vector<std::uint64_t>{5});
    CHECK(context->replace_files(table).error() == Errno::kESRCH);
}

TEST_CASE_FIXTURE(ProcFixture, "file-table-copy-leak: a selection is not in the copy it chooses") {
    const std::int64_t target = dup(kAuthority, "new-context");
    const auto context = kernel.contexts.all().back();
    const std::int64_t select = dup(target, "current-filetable");
    const std::int64_t table = dup(self, "filetable");
    const std::int64_t copy = dup(table, "copy");
    CHECK(write_words(select, {static_cast<std::uint64_t>(copy)}) == 8);
    CHECK(context->files()->count() == 0);
    CHECK(close(select) == 0);
    // It was the last one, so the choice holds.
    CHECK(context->files()->find(FdNumber{static_cast<std::uint64_t>(target)}).has_value());
    CHECK(context->files()->find(FdNumber{static_cast<std::uint64_t>(select)}).error() == Errno::kEBADF);
}

TEST_CASE("file-table-copy-leak: a copied table that holds its own handle goes with the registry") {
    std::weak_ptr<schemes::proc::ProcScheme> scheme;
    {
        ProcFixture f;
        scheme = f.proc;
        // The copy that is chosen has every descriptor of the caller, so also the one that has chosen it.
        const std::int64_t select = f.dup(f.self, "current-filetable");
        const std::int64_t table = f.dup(f.self, "filetable");
        const std::int64_t copy = f.dup(table, "copy");
        CHECK(f.write_words(select, {static_cast<std::uint64_t>(copy)}) == 8);
        CHECK(f.dup(table, "copy") >= 0);
    }
    CHECK(scheme.expired());
}

}  // namespace
}  // namespace halfcell::test
