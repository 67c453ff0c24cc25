// SPDX-License-Identifier: MIT
// A report's text made small, for formats that hold it compressed: Deflate (RFC 1951) with its fixed codes. What zlib
// and a browser's DecompressionStream("deflate-raw") read. A report's JSON, which says the same names again and again,
// comes down to about a tenth.
#pragma once

#include <peakscope/core/body.hpp>

#include <string>
#include <string_view>

namespace peakscope::report {

/// A raw Deflate stream: without the frames of gzip or zlib around it, and with no checksum.
PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::string deflated(std::string_view text);

/// Base 64 (RFC 4648), padded, on one line.
PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::string base64(std::string_view bytes);

} // namespace peakscope::report
