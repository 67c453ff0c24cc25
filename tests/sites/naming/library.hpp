// SPDX-License-Identifier: MIT
#pragma once

/// A function of a shared library, which allocates.
void in_the_library();
