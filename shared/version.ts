/** Version of helper, agent and packages alike; a test holds it equal to package.json. */
export const VERSION = '0.1.0';
