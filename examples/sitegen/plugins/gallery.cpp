// SPDX-License-Identifier: MIT
// A cover picture for every page, and a thumbnail of it.
//
// This is the plugin to look for in a memory report: it paints every cover at full size before it makes the first
// thumbnail, and keeps them all until the end of the build, 3.5 MiB a page. One at a time would do.
#include "../plugin.hpp"

#include "../text.hpp"
#include "../theme.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <random>
#include <utility>

namespace sitegen {

namespace {

struct picture {
    std::size_t width = 0;
    std::size_t height = 0;
    std::vector<std::uint8_t> rgb;
};

// Soft diagonal bands in two colours that the title picks.
picture paint_cover(const std::string& title) {
    std::seed_seq seed(title.begin(), title.end());
    std::mt19937 random{seed};
    std::array<std::array<std::uint32_t, 3>, 2> colours{};
    for (auto& colour : colours)
        for (auto& channel : colour)
            channel = 64 + static_cast<std::uint32_t>(random() % 160);
    const std::size_t slope = 1 + random() % 5;
    picture cover{1280, 960, {}};
    cover.rgb.resize(cover.width * cover.height * 3);
    for (std::size_t y = 0; y < cover.height; ++y)
        for (std::size_t x = 0; x < cover.width; ++x) {
            const auto mix = static_cast<std::uint32_t>((x + slope * y) % 512);
            const std::uint32_t weight = mix < 256 ? mix : 511 - mix;
            for (std::size_t channel = 0; channel < 3; ++channel)
                cover.rgb[(y * cover.width + x) * 3 + channel] = static_cast<std::uint8_t>(
                    (colours[0][channel] * weight + colours[1][channel] * (255 - weight)) / 255);
        }
    return cover;
}

picture shrink(const picture& from, std::size_t factor) {
    picture small{from.width / factor, from.height / factor, {}};
    small.rgb.reserve(small.width * small.height * 3);
    for (std::size_t y = 0; y < small.height; ++y)
        for (std::size_t x = 0; x < small.width; ++x)
            for (std::size_t channel = 0; channel < 3; ++channel) {
                std::size_t sum = 0;
                for (std::size_t dy = 0; dy < factor; ++dy)
                    for (std::size_t dx = 0; dx < factor; ++dx)
                        sum += from.rgb[((y * factor + dy) * from.width + x * factor + dx) * 3 + channel];
                small.rgb.push_back(static_cast<std::uint8_t>(sum / (factor * factor)));
            }
    return small;
}

// A Windows bitmap, 24 bits a pixel: the simplest format that every browser shows. Rows go from the bottom up.
std::string to_bmp(const picture& shown) {
    const std::size_t row_bytes = (shown.width * 3 + 3) / 4 * 4;
    const std::size_t pixel_bytes = row_bytes * shown.height;
    constexpr std::size_t header_bytes = 54;
    std::string file;
    file.reserve(header_bytes + pixel_bytes);
    const auto put = [&](std::size_t value, int bytes) {
        for (int i = 0; i < bytes; ++i)
            file += static_cast<char>(value >> (8 * i) & 0xff);
    };
    file += "BM";
    put(header_bytes + pixel_bytes, 4), put(0, 4), put(header_bytes, 4);
    put(40, 4), put(shown.width, 4), put(shown.height, 4), put(1, 2), put(24, 2);
    put(0, 4), put(pixel_bytes, 4), put(2835, 4), put(2835, 4), put(0, 4), put(0, 4);
    for (std::size_t y = shown.height; y-- > 0;) {
        const std::size_t row_start = file.size();
        for (std::size_t x = 0; x < shown.width; ++x)
            for (const std::size_t channel : {2U, 1U, 0U})
                file += static_cast<char>(shown.rgb[(y * shown.width + x) * 3 + channel]);
        file.resize(row_start + row_bytes, '\0');
    }
    return file;
}

class gallery final : public plugin {
  public:
    gallery() : plugin("gallery") {}

    void prepare(const site& built) override {
        for (const page& each : built.pages)
            covers_.emplace(each.url, paint_cover(each.title));
    }

    void add_to_page(const page& shown, kainjow::mustache::data& seen) const override {
        seen.set("cover", way_to_root(shown.url) + url_path(file_of(shown.url)));
    }

    void finish(const std::filesystem::path& output) override {
        for (const auto& [url, cover] : covers_)
            write_file(output / file_of(url), to_bmp(shrink(cover, 8)));
    }

  private:
    static std::string file_of(const std::string& url) { return "gallery/" + url.substr(0, url.rfind('.')) + ".bmp"; }

    std::map<std::string, picture> covers_;
};

} // namespace

std::unique_ptr<plugin> make_gallery() { return std::make_unique<gallery>(); }

} // namespace sitegen
