// Everything, for those who do not mind. Each header stands on its own too.
#pragma once

#include "penstock/blocking.hpp"
#include "penstock/connect.hpp"
#include "penstock/launch.hpp"
#include "penstock/listener.hpp"
#include "penstock/single_instance.hpp"
