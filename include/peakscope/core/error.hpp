// SPDX-License-Identifier: MIT
// What peakscope throws. A function that throws one of these says so in its comment. Beside these there is
// std::bad_alloc alone, where it is said.
#pragma once

#include <stdexcept>
#include <string>

namespace peakscope {

/// The base of every exception of this library.
class error : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

/// The library was used in a way its documentation rules out: a mistake in the calling program.
class usage_error : public error {
  public:
    using error::error;
};

/// A source cannot measure at all here: replaced operators that are not linked in, an allocator that is not loaded.
/// A single figure that cannot be had is not an error; it is `unavailable` in the report.
class source_error : public error {
  public:
    using error::error;
};

/// A report could not be written in full. `what()` holds the destination and the system's reason.
class write_error : public error {
  public:
    write_error(std::string destination, const std::string& reason)
        : error("cannot write the report to " + destination + ": " + reason), destination_(std::move(destination)) {}

    [[nodiscard]] const std::string& destination() const noexcept { return destination_; }

  private:
    std::string destination_;
};

} // namespace peakscope
