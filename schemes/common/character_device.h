#pragma once

// What null, zero and rand share: a device without state, whose handles are all the same.
// Source: base:zerod, base:randd.

#include <string>

#include "kernel_shim/scheme/scheme.h"

namespace halfcell::schemes {

// Opens with any path, from any handle; swallows what is written; has mode CHR and knows no events. Derived
// classes say what a read gives.
class CharacterDevice : public scheme::Scheme {
  public:
    [[nodiscard]] std::string_view name() const override { return name_; }

    Result<scheme::OpenedHandle> root() override;
    Result<scheme::OpenResult> openat(const scheme::Caller& caller, HandleNumber base, std::string_view path,
                                      std::uint64_t flags, std::uint32_t fcntl_flags) override;
    Result<std::uint64_t> write(const scheme::Caller& caller, HandleNumber number, const mem::UserIn& from,
                                scheme::TransferFlags flags) override;
    Result<std::uint64_t> fpath(const scheme::Caller& caller, HandleNumber number,
                                const mem::UserOut& to) override;
    Result<void> fstat(const scheme::Caller& caller, HandleNumber number, const mem::UserOut& to) override;
    Result<void> ftruncate(const scheme::Caller& caller, HandleNumber number, std::uint64_t size) override;

  protected:
    CharacterDevice(std::string name, std::string path, std::uint16_t permissions)
        : name_(std::move(name)), path_(std::move(path)), permissions_(permissions) {}

  private:
    const std::string name_;
    const std::string path_;
    const std::uint16_t permissions_;
};

}  // namespace halfcell::schemes
